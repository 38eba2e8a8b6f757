/**
 * Read-only figures about the call for tests and support: `window.lianxin`.
 *
 * @param {import("./call.js").Call} call
 * @param {import("./tiles.js").Tiles} tiles
 */
export function exposeDiagnostics(call, tiles) {
  const view = {
    get participantId() { return call.me; },
    get place() { return call.place; },
    get sessionState() { return call.session && call.session.state; },
    get signaling() { return call.signaling; },
    get media() { return call.media; },
    get recording() { return call.room && call.room.recording.state; },
    /** Date.now() when this page entered the room, or null. */
    get joinedAt() { return call.joinedAt; },
    /** Date.now() of the first picture of anybody, or null. */
    get firstFrameAt() {
      const times = Object.values(tiles.firstFrames);
      return times.length ? Math.min(...times) : null;
    },
    /** Date.now() of the first picture of each participant. */
    get firstFrames() { return { ...tiles.firstFrames }; },
    stats: () => inboundStats(call),
  };
  Object.defineProperty(window, "lianxin", { value: Object.freeze(view), configurable: true });
}

/** @returns {Promise<object[]>} one entry for each track received, named by participant and source */
async function inboundStats(call) {
  const connection = call.subscriber.connection;
  if (!connection) return [];
  const byMid = new Map(call.subscriber.described.map((entry) => [entry.mid, entry]));
  const report = await connection.getStats();
  return [...report.values()].filter((entry) => entry.type === "inbound-rtp" && byMid.has(entry.mid)).map((entry) => {
    const { participantId, source } = byMid.get(entry.mid);
    return {
      participant_id: participantId,
      source,
      kind: entry.kind,
      mid: entry.mid,
      framesDecoded: entry.framesDecoded || 0,
      frameWidth: entry.frameWidth || 0,
      frameHeight: entry.frameHeight || 0,
      totalAudioEnergy: entry.totalAudioEnergy || 0,
      packetsReceived: entry.packetsReceived || 0,
      packetsLost: entry.packetsLost || 0,
    };
  });
}
