import { Emitter } from "../emitter.js";
import { negotiate } from "./negotiation.js";

/** After this a connection is made anew: `disconnected` often heals, and Firefox without a network fails at once. */
const PATIENCE = 2000;
/** Further attempts follow this long after the first. */
const RETRY_EVERY = 3000;
/** A busy phone may need longer than the first attempt is given; each further one is given more, up to this. */
const LONGEST = 15000;
/** `?relay` in the address of a page tries the relay alone; for tests, nothing leads there. */
const POLICY = new URLSearchParams(window.location.search).has("relay") ? "relay" : "all";
const MAX_BITRATE = { microphone: 40_000, camera: 600_000, screen: 800_000 };
/** Layers of a camera by its height: name, size divided by, bit/s. */
const LAYERS = {
  720: [["q", 4, 120_000], ["h", 2, 400_000], ["f", 1, 1_300_000]],
  360: [["h", 2, 140_000], ["f", 1, 600_000]],
};
/** VP8 first, H.264 for phones that only have that; sound that repeats itself (RED) where it can. */
const PREFERRED = { video: ["video/vp8", "video/h264"], audio: ["audio/red", "audio/opus"] };

/**
 * Watches one RTCPeerConnection and says when it must be made anew.
 * Events: `state` ("connecting" | "connected" | "interrupted").
 */
class Peer extends Emitter {
  #connection = null;
  #timer = null;
  #state = "idle";
  #suspended = false;
  #attempts = 0;
  /** TURN servers of the next connection, as the server granted them. */
  relays = [];

  get connection() {
    return this.#connection;
  }

  get state() {
    return this.#state;
  }

  /** Whether the connection still carries media, told to the server when signaling resumes. */
  get alive() {
    return this.#connection !== null && !this.#suspended && ["connected", "disconnected"].includes(this.#connection.connectionState);
  }

  close() {
    clearTimeout(this.#timer);
    this.discard();
    this.moveTo("idle");
  }

  /** The server's end is gone. The connection is kept open so that the last picture stays on the screen. */
  suspend() {
    clearTimeout(this.#timer);
    this.#suspended = true;
    if (this.#connection) this.#connection.onconnectionstatechange = null;
    if (this.#state !== "idle") this.moveTo("interrupted");
  }

  // For subclasses

  /** @returns {RTCPeerConnection} a fresh connection in place of the last */
  renew() {
    this.discard();
    this.#suspended = false;
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: this.relays, iceTransportPolicy: POLICY });
    connection.onconnectionstatechange = () => this.#changed(connection);
    this.#connection = connection;
    if (this.#state === "idle") this.moveTo("connecting");
    this.retryAfter(Math.min(RETRY_EVERY * 2 * 1.5 ** this.#attempts++, LONGEST));
    return connection;
  }

  discard() {
    if (!this.#connection) return;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
    this.#connection = null;
  }

  moveTo(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }

  retryAfter(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.emit("remake"), delay);
  }

  stopRetrying() {
    clearTimeout(this.#timer);
  }

  // Internal

  #changed(connection) {
    const state = connection.connectionState;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#attempts = 0;
      this.moveTo("connected");
    } else if (state === "disconnected" || state === "failed") {
      this.moveTo("interrupted");
      this.retryAfter(PATIENCE);
    }
  }
}

/** Sends our microphone and camera: the browser offers, the server answers. */
export class PublishPeer extends Peer {
  #exchange;
  #lines = new Map();
  #round = 0;

  /** @param {(offer: {sdp: string, sources: Record<string, string>}) => Promise<{sdp: string}>} exchange the `publish` command */
  constructor(exchange) {
    super();
    this.#exchange = exchange;
  }

  /**
   * Offer these tracks on a new connection, or on the running one; the seat stays.
   */
  async publish(tracks, anew) {
    const round = ++this.#round;
    const running = !anew && this.alive && this.connection;
    if (!running) this.#lines.clear();
    const connection = running || this.renew();
    for (const [source, line] of this.#lines) if (!tracks.has(source)) this.#end(source, line);
    for (const [source, track] of tracks) if (!this.#lines.has(source)) this.#lines.set(source, addSender(connection, source, track));
    await negotiate(connection, async () => {
      if (round !== this.#round) return;
      await connection.setLocalDescription(await connection.createOffer());
      const sources = Object.fromEntries([...this.#lines].map(([source, line]) => [line.mid, source]));
      const answer = await this.#exchange({ sdp: connection.localDescription.sdp, sources });
      if (round !== this.#round) return;
      await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    });
  }

  /** @returns {boolean} whether the track went into the running connection */
  replace(source, track) {
    const line = this.#lines.get(source);
    if (!line || !this.connection) return false;
    line.sender.replaceTrack(track).catch(() => this.retryAfter(0));
    return true;
  }

  /** Send these layers of a source and no others. */
  limit(source, rids) {
    const { sender } = this.#lines.get(source) || {};
    if (!sender) return;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
    sender.setParameters(parameters).catch(console.warn);
  }

  close() {
    this.#round += 1;
    this.#lines.clear();
    super.close();
  }

  // Internal

  #end(source, line) {
    line.stop();
    this.#lines.delete(source);
  }
}

/**
 * Receives everybody else: the server offers, the browser answers. One session id (o= line) is one
 * transport of the server, so an offer with another asks for another connection.
 *
 * Events: `tracks` ([{participantId, source, kind, mid, track}], the whole list after each offer).
 */
export class SubscribePeer extends Peer {
  #answer;
  #session = "";
  #work = Promise.resolve();
  #described = [];

  /** @param {(answer: {offer_id: number, sdp: string}) => Promise<any>} answer the `answer` command */
  constructor(answer) {
    super();
    this.#answer = answer;
  }

  /** @returns {{mid: string, participantId: string, source: string, kind: string}[]} */
  get described() {
    return this.#described;
  }

  /** @param {{offer_id: number, sdp: string, tracks: object[]}} offer */
  accept(offer) {
    this.#work = this.#work.then(() => this.#apply(offer)).catch((error) => {
      console.warn("offer failed", error);
      this.retryAfter(PATIENCE);
    });
    return this.#work;
  }

  close() {
    this.#session = "";
    this.#described = [];
    super.close();
    this.emit("tracks", []);
  }

  // Internal

  async #apply(offer) {
    const session = (/^o=\S+ (\d+) /m.exec(offer.sdp) || [])[1] || "";
    if (!this.connection || session !== this.#session) this.renew();
    this.#session = session;
    const connection = this.connection;
    await connection.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    this.#described = offer.tracks.map(({ mid, participant_id, source, kind }) => ({ mid, participantId: participant_id, source, kind }));
    if (offer.tracks.length === 0) this.stopRetrying();
    this.emit("tracks", this.#received(connection));
    await this.#answer({ offer_id: offer.offer_id, sdp: connection.localDescription.sdp }).catch(ignoreOutdated);
  }

  #received(connection) {
    const byMid = new Map(connection.getTransceivers().map((transceiver) => [transceiver.mid, transceiver.receiver.track]));
    return this.#described.filter(({ mid }) => byMid.has(mid)).map((entry) => ({ ...entry, track: byMid.get(entry.mid) }));
  }
}

/** A newer offer is on its way; that one will be answered. */
function ignoreOutdated(error) {
  if (error.code !== "bad_state") throw error;
}

function addSender(connection, source, track) {
  const sendEncodings = source === "camera" ? layersOf(track) : [{ maxBitrate: MAX_BITRATE[source] || 600_000 }];
  const transceiver = connection.addTransceiver(track, { direction: "sendonly", sendEncodings });
  prefer(transceiver, PREFERRED[track.kind], window.RTCRtpSender?.getCapabilities?.(track.kind));
  return transceiver;
}

function layersOf(track) {
  const { height = 0 } = track.getSettings();
  return LAYERS[height >= 700 ? 720 : 360].map(([rid, scaleResolutionDownBy, maxBitrate]) => ({ rid, scaleResolutionDownBy, maxBitrate }));
}

/** These codecs in this order, as far as there are any, and what repairs them. */
function prefer(transceiver, names, capabilities) {
  if (!transceiver.setCodecPreferences || !capabilities) return;
  const rank = ({ mimeType }) => names.indexOf(mimeType.toLowerCase());
  const wanted = capabilities.codecs.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b));
  const repair = capabilities.codecs.filter(({ mimeType }) => /\/rtx$/i.test(mimeType));
  if (wanted.length > 0) transceiver.setCodecPreferences([...wanted, ...repair]);
}
