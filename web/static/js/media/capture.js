import { Emitter } from "../emitter.js";
import { causeOf } from "./causes.js";
import { t } from "../translate.js";

/** A device that does not work, with one of the five causes of causes.js. */
export class CaptureError extends Error {
  constructor(cause, message = "") {
    super(message || cause);
    this.cause = cause;
  }
}

const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 24 }, facingMode: "user" };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** A phone call or an alarm takes the microphone; if it is not given back by itself, ask again. */
const REACQUIRE_AFTER = 2000;

/**
 * The one owner of camera and microphone in a page. A second getUserMedia mutes the first on iOS, so
 * the device check hands these same live tracks to the session.
 *
 * Sources are `microphone`, `camera` and, while a document is shown, `screen`. Events: `changed` ({source, track}) when a track was replaced,
 * `silenced` when that set changed, `enabled` ({source, enabled}).
 */
export class Capture extends Emitter {
  #boot;
  #size;
  #tracks = new Map();
  #enabled = new Map([["microphone", true], ["camera", true], ["screen", true]]);
  #locked = new Set();
  #synthetic = null;
  #opening = null;
  /** The microphone as the device gives it, and what is made of it before anybody gets it. */
  #raw = null;
  #treatment = null;
  #silenced = new Set();
  /** A phone with one camera at a time: it is not asked for while a document has it. */
  resting = false;

  constructor(boot, size = {}) {
    super();
    this.#boot = boot;
    this.#size = size;
  }

  /** @returns {Map<string, MediaStreamTrack>} live tracks by source */
  get tracks() {
    return new Map(this.#tracks);
  }

  get opened() {
    return this.#tracks.size > 0;
  }

  /** Pictures of a real camera are shown mirrored to the person, painted ones are not. */
  get mirrored() {
    return this.#synthetic === null;
  }

  /** @returns {Set<string>} sources that a call, an alarm or a plug took and that did not come back by themselves */
  get silenced() {
    return new Set([...this.#silenced].filter((source) => this.#enabled.get(source) && !this.#rests(source)));
  }

  isEnabled(source) {
    return this.#enabled.get(source);
  }

  /**
   * Ask for camera and microphone once; a camera that is missing leaves the microphone usable.
   * @returns {Promise<void>}
   * @throws {CaptureError}
   */
  open() {
    this.#opening = this.#opening || this.#acquire().finally(() => (this.#opening = null));
    return this.#opening;
  }

  setEnabled(source, enabled) {
    this.#enabled.set(source, enabled);
    this.#apply(source);
    this.emit("enabled", { source, enabled });
  }

  /** The host locked or released a source; what its owner wants is kept for afterwards. */
  setLocked(source, locked) {
    if (locked) this.#locked.add(source);
    else this.#locked.delete(source);
    if (locked && source === "screen") this.present(null);
    this.#apply(source);
  }

  /** @returns {MediaStreamTrack|null} the demonstration's paper; null where cameras are real */
  paintPaper() {
    return this.#synthetic && this.#synthetic.paper();
  }

  /** @param {MediaStreamTrack|null} track a document beside camera and microphone, null when it is over */
  present(track) {
    const before = this.#tracks.get("screen");
    if (!track && !before) return;
    if (before) before.stop();
    if (track) {
      this.#tracks.set("screen", track);
      track.onended = () => this.#tracks.get("screen") === track && this.present(null);
    } else this.#tracks.delete("screen");
    this.emit("changed", { source: "screen", track });
  }

  /** @param {((track: MediaStreamTrack) => MediaStreamTrack)|null} treatment of the microphone from now on */
  alter(treatment) {
    this.#treatment = treatment;
    if (this.#raw) this.#adopt(this.#raw);
  }

  /** A screened person's camera is off until further notice, not only dark. */
  async cover(covered) {
    this.resting = covered;
    const face = this.#tracks.get("camera");
    if (covered && face && !this.#synthetic) face.stop();
    if (!covered) await this.recover();
  }

  /** Give dead tracks a new life after a phone call, a switch of application or a replug. */
  async recover() {
    const dead = [...this.#tracks.keys()].filter((source) => source !== "screen" && !this.#rests(source) && !this.#lives(source));
    if (dead.length === 0 || this.#synthetic) return;
    for (const source of dead) this.#given(source).stop();
    try {
      await this.open();
    } finally {
      for (const source of dead) if (this.#given(source)?.readyState === "ended") this.#silence(source);
    }
  }

  close() {
    for (const track of this.#tracks.values()) track.stop();
    if (this.#raw) this.#raw.stop();
    this.#raw = null;
    this.#silenced.clear();
    this.#tracks.clear();
    if (this.#synthetic) this.#synthetic.close();
    this.#synthetic = null;
  }

  // Internal

  async #acquire() {
    const stream = this.#boot.camera === "synthetic" ? await this.#synthesise() : await this.#ask();
    for (const track of stream.getTracks()) this.#adopt(track);
  }

  /** Loaded only in the demonstration: citizens on weak networks do not fetch it. */
  async #synthesise() {
    const { SyntheticCamera } = await import("./synthetic.js");
    const card = { name: this.#boot.display_name || t("演示"), organisation: this.#boot.organisation, index: this.#boot.index };
    this.#synthetic = new SyntheticCamera(card);
    return this.#synthetic.open();
  }

  async #ask() {
    const devices = navigator.mediaDevices;
    if (!devices || !devices.getUserMedia || typeof RTCPeerConnection === "undefined") throw new CaptureError(window.isSecureContext ? "unsupported" : "insecure");
    // One capture of a kind: what is still given is not asked for, a second one would take it away.
    const audio = this.#lives("microphone") ? false : AUDIO;
    if (this.resting || this.#lives("camera")) return audio ? this.#askAudioOnly() : new MediaStream();
    try {
      return await devices.getUserMedia({ video: { ...VIDEO, ...this.#size }, audio });
    } catch (error) {
      if (!audio || causeOf(error) !== "not_found") throw new CaptureError(causeOf(error), error.message);
      return this.#askAudioOnly();
    }
  }

  async #askAudioOnly() {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: AUDIO });
    } catch (error) {
      throw new CaptureError(causeOf(error), error.message);
    }
  }

  #adopt(track) {
    const source = track.kind === "audio" ? "microphone" : "camera";
    const before = this.#tracks.get(source);
    const given = source === "microphone" && this.#treatment ? this.#treatment(track) : track;
    for (const old of [before, source === "microphone" ? this.#raw : null]) if (old && old !== track && old !== given) old.stop();
    if (source === "microphone") this.#raw = track;
    track.enabled = true;
    this.#tracks.set(source, given);
    this.#apply(source);
    track.onended = () => this.#lost(source, track);
    track.onmute = () => setTimeout(() => track.muted && this.#lost(source, track), REACQUIRE_AFTER);
    track.onunmute = () => this.#found(source);
    this.emit("changed", { source, track: given });
    if (track.muted) setTimeout(() => track.muted && this.#given(source) === track && this.#silence(source), REACQUIRE_AFTER);
    else this.#found(source);
  }

  /** The track as the device gives it. */
  #given(source) {
    return source === "microphone" ? this.#raw : this.#tracks.get(source);
  }

  #lives(source) {
    const track = this.#given(source);
    return Boolean(track) && track.readyState === "live" && !track.muted;
  }

  #rests(source) {
    return this.resting && source === "camera";
  }

  #silence(source) {
    this.#silenced.add(source);
    this.emit("silenced");
  }

  #found(source) {
    if (this.#silenced.delete(source)) this.emit("silenced");
  }

  #apply(source) {
    const track = this.#tracks.get(source);
    if (track) track.enabled = this.#enabled.get(source) && !this.#locked.has(source);
  }

  #lost(source, track) {
    if (this.#given(source) !== track || this.#rests(source)) return;
    if (document.visibilityState === "visible") this.recover().catch(() => {});
  }
}
