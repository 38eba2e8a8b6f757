/** A sentence recorded in this page and played back to its speaker; it is sent nowhere. */
export class VoiceLoop {
  #recorder = null;
  #url = "";
  #player = null;

  /** Whether this browser can record at all; without it the level bar must do. */
  static get possible() {
    return typeof window.MediaRecorder === "function";
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {number} length milliseconds
   * @returns {Promise<void>} when the sentence is ready to be played
   */
  record(track, length) {
    this.close();
    const pieces = [];
    const recorder = new MediaRecorder(new MediaStream([track]));
    this.#recorder = recorder;
    return new Promise((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => pieces.push(data);
      recorder.onerror = () => reject(new Error("recorder"));
      recorder.onstop = () => {
        this.#url = URL.createObjectURL(new Blob(pieces, { type: recorder.mimeType }));
        resolve();
      };
      recorder.start();
      setTimeout(() => recorder.state === "recording" && recorder.stop(), length);
    });
  }

  /** Call in a tap. @returns {Promise<void>} when it was heard to the end */
  play() {
    this.#player = this.#player || new Audio();
    this.#player.src = this.#url;
    const ended = new Promise((resolve) => (this.#player.onended = this.#player.onerror = resolve));
    return this.#player.play().then(() => ended);
  }

  close() {
    if (this.#recorder && this.#recorder.state === "recording") this.#recorder.stop();
    if (this.#player) this.#player.pause();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }
}
