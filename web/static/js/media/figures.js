/**
 * What getStats says of one direction, a row for each second. The columns are those of the `quality`
 * command: loss in thousandths, round trip ms, jitter ms, kbit/s, width, height, frames a second; -1 is
 * unknown.
 *
 * @typedef {{row: number[], lost: number, received: number, asked: number, roundTrip: number|null, path: string|null}} Figures
 */

const UNKNOWN = -1;
const KINDS = {
  up: { flow: "outbound-rtp", heard: "remote-inbound-rtp", packets: "packetsSent", bytes: "bytesSent" },
  down: { flow: "inbound-rtp", heard: "inbound-rtp", packets: "packetsReceived", bytes: "bytesReceived" },
};

/** Turns the running totals of one RTCPeerConnection into rows. No DOM, the time is handed in. */
export class FigureReader {
  #kind;
  #before = null;

  /** @param {"up"|"down"} direction */
  constructor(direction) {
    this.#kind = KINDS[direction];
  }

  /**
   * @param {Iterable<any>} report values of RTCStatsReport
   * @param {number} now milliseconds
   * @returns {Figures|null} null while there is nothing to compare
   */
  read(report, now) {
    const entries = [...report];
    const totals = { ...this.#totals(entries), at: now };
    const before = this.#before;
    this.#before = totals;
    if (!before || totals.packets < before.packets || now <= before.at) return null;
    return this.#figures(entries, before, totals);
  }

  // Internal

  #totals(entries) {
    const sum = (type, field) => entries.filter((entry) => entry.type === type).reduce((total, entry) => total + (entry[field] || 0), 0);
    const { flow, heard, packets, bytes } = this.#kind;
    return { packets: sum(flow, packets), bytes: sum(flow, bytes), lost: sum(heard, "packetsLost"), asked: sum(flow, "nackCount") };
  }

  #figures(entries, before, totals) {
    const lost = Math.max(0, totals.lost - before.lost);
    const passed = totals.packets - before.packets;
    // What was sent includes what was lost, what was received does not.
    const expected = this.#kind.flow === "outbound-rtp" ? Math.max(passed, lost) : passed + lost;
    const { roundTrip, path } = wayOf(entries);
    const picture = largestPicture(entries, this.#kind.flow);
    const row = [
      expected > 0 ? Math.round(lost / expected * 1000) : UNKNOWN,
      milliseconds(roundTrip),
      milliseconds(most(entries, this.#kind.heard, "jitter")),
      Math.round((totals.bytes - before.bytes) * 8 / (totals.at - before.at)),
      picture.frameWidth || UNKNOWN,
      picture.frameHeight || UNKNOWN,
      Math.round(picture.framesPerSecond ?? UNKNOWN),
    ];
    return { row, lost, received: Math.max(0, expected - lost), asked: totals.asked - before.asked, roundTrip, path };
  }
}

/** Round trip in seconds and path of the pair in use. */
function wayOf(entries) {
  // Firefox calls every pair nominated that has succeeded; the transport knows which one is in use.
  const transport = entries.find((entry) => entry.type === "transport" && entry.selectedCandidatePairId);
  const pair = entries.find((entry) => entry.type === "candidate-pair" && (transport ? entry.id === transport.selectedCandidatePairId : entry.nominated && entry.state === "succeeded"));
  const local = pair && entries.find((entry) => entry.id === pair.localCandidateId);
  const path = local ? (local.candidateType === "relay" ? "relay" : local.protocol) : null;
  return { roundTrip: pair?.currentRoundTripTime ?? null, path };
}

function largestPicture(entries, type) {
  const pictures = entries.filter((entry) => entry.type === type && entry.kind === "video" && entry.frameWidth);
  return pictures.reduce((best, entry) => (entry.frameWidth > (best.frameWidth || 0) ? entry : best), {});
}

function most(entries, type, field) {
  const values = entries.filter((entry) => entry.type === type && entry[field] !== undefined).map((entry) => entry[field]);
  return values.length ? Math.max(...values) : null;
}

function milliseconds(seconds) {
  return seconds === null ? UNKNOWN : Math.round(seconds * 1000);
}
