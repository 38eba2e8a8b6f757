import { Emitter } from "../emitter.js";

const VOICES = 8;

/**
 * Plays the sound of the others. Phones only let a page play what was started inside a tap, so the tap
 * starts a few silent elements and tracks are put into them later. What a phone call, a new track or the
 * background has stopped is started again by the next `attach` or `resume`.
 *
 * Events: `blocked` when the browser wants a tap, `unblocked`.
 */
export class AudioOutput extends Emitter {
  #idle = [];
  #playing = new Map();
  #gains = new Map();
  #volume = 1;
  /** Elements of this page, pictures too, that a browser did not let play. */
  #waiting = new Set();
  #blocked = false;

  /** Call synchronously in a tap or key press. */
  unlock() {
    while (this.#idle.length + this.#playing.size < VOICES) this.#idle.push(this.#silent());
    // On an iPhone the open microphone moves sound to the earpiece, where it is hardly heard.
    if (navigator.audioSession) navigator.audioSession.type = "play-and-record";
    for (const element of this.#idle) element.play().catch(() => {});
    for (const element of new Set([...this.#playing.values(), ...this.#waiting])) this.play(element);
  }

  /**
   * Play an element; where the browser wants a tap for that, say so.
   * @param {HTMLMediaElement} element
   */
  play(element) {
    element.play().then(() => this.#waiting.delete(element), (error) => error.name === "NotAllowedError" && this.#waiting.add(element)).then(() => this.#tell());
  }

  /** Start what stands still. */
  resume() {
    for (const element of this.#playing.values()) if (element.paused) this.play(element);
  }

  attach(participantId, track) {
    let element = this.#playing.get(participantId);
    if (!element) {
      element = this.#idle.pop() || this.#silent();
      this.#playing.set(participantId, element);
    }
    const stream = element.srcObject;
    if (stream.getTracks()[0] === track) return element.paused && this.play(element);
    for (const old of stream.getTracks()) stream.removeTrack(old);
    stream.addTrack(track);
    this.#turn(element, participantId);
    this.play(element);
    return undefined;
  }

  release(participantId) {
    const element = this.#playing.get(participantId);
    if (!element) return;
    this.#playing.delete(participantId);
    for (const track of element.srcObject.getTracks()) element.srcObject.removeTrack(track);
    element.muted = false;
    element.volume = this.#volume;
    this.#idle.push(element);
  }

  /** @param {number} gain 0 to 1, of one person's sound */
  setGain(participantId, gain) {
    if ((this.#gains.get(participantId) ?? 1) === gain) return;
    this.#gains.set(participantId, gain);
    const element = this.#playing.get(participantId);
    if (element) this.#turn(element, participantId);
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.#volume = volume;
    for (const element of this.#idle) element.volume = volume;
    for (const [participantId, element] of this.#playing) this.#turn(element, participantId);
  }

  // Internal

  /** An iPhone keeps its volume for itself: there, what should be lowered is silent. */
  #turn(element, participantId) {
    const gain = this.#gains.get(participantId) ?? 1;
    element.volume = this.#volume * gain;
    element.muted = gain < 1 && element.volume === 1 || gain === 0;
  }

  #silent() {
    const element = new Audio();
    element.autoplay = true;
    element.volume = this.#volume;
    element.srcObject = new MediaStream();
    return element;
  }

  #tell() {
    for (const element of this.#waiting) if (!element.srcObject?.getTracks().length) this.#waiting.delete(element);
    const blocked = this.#waiting.size > 0;
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.emit(blocked ? "blocked" : "unblocked");
  }
}
