/** Which stretches of a recording were played. No DOM, no clock: it is told where the film is. */

/** More than this between two reports of the place is a jump, not playing: 3 × speed in a slow tab. */
const LONGEST_STEP = 4;
/** Shorter is a click, not watching. In milliseconds. */
const SHORTEST = 100;
/** One report holds at most this many stretches (recordings/review/viewing.py); the rest waits for the next. */
export const MOST_IN_REPORT = 60;

export class Played {
  #since = null;
  #last = null;
  #waiting = [];

  /**
   * Where the film is now.
   * @param {number} seconds of the whole recording
   * @param {boolean} playing
   */
  tick(seconds, playing) {
    if (!Number.isFinite(seconds)) return;
    const goesOn = this.#last !== null && seconds >= this.#last && seconds - this.#last <= LONGEST_STEP;
    if (!goesOn) this.jump();
    if (!playing) {
      if (goesOn) this.#last = seconds;
      this.jump();
      return;
    }
    if (this.#since === null) this.#since = seconds;
    this.#last = seconds;
  }

  /** The film goes to another place: what was played ends here. */
  jump() {
    if (this.#since !== null) this.#keep(this.#since, this.#last);
    this.#since = this.#last = null;
  }

  /** @returns {[number, number][]} stretches in milliseconds that were not taken yet, the current one so far included */
  take() {
    if (this.#since !== null) {
      this.#keep(this.#since, this.#last);
      this.#since = this.#last;
    }
    return this.#waiting.splice(0, MOST_IN_REPORT);
  }

  /** A report did not arrive: its stretches come first in the next one. */
  putBack(spans) {
    this.#waiting.unshift(...spans);
  }

  // Internal

  #keep(since, until) {
    const span = [Math.round(since * 1000), Math.round(until * 1000)];
    if (span[1] - span[0] >= SHORTEST) this.#waiting.push(span);
  }
}

/** @param {[number, number][]} spans @returns {string} as the server reads it: 0-1500 3000-4000 */
export function spelled(spans) {
  return spans.map(([since, until]) => `${since}-${until}`).join(" ");
}
