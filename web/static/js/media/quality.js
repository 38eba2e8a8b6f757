/**
 * Three words for the network from figures taken every second. Worse after three samples, better
 * after five, so that the word does not flicker.
 *
 * @typedef {{lost: number, received: number, roundTrip: number|null}} Sample counts since the last sample; seconds
 * @typedef {"good"|"fair"|"poor"|"lost"} Grade
 */

const ORDER = ["good", "fair", "poor", "lost"];
const WORSE_AFTER = 3;
const BETTER_AFTER = 5;

/** @param {Sample} sample @returns {Grade} */
export function grade({ lost, received, roundTrip }) {
  if (received === 0) return "lost";
  const loss = lost / (lost + received);
  const delay = roundTrip === null ? 0 : roundTrip;
  if (loss < 0.03 && delay < 0.2) return "good";
  return loss < 0.08 && delay < 0.4 ? "fair" : "poor";
}

export class Quality {
  #shown = "good";
  #against = [];

  /** @returns {Grade} what is shown now */
  get shown() {
    return this.#shown;
  }

  /** @param {Sample} sample @returns {boolean} whether the word changed */
  add(sample) {
    const now = ORDER.indexOf(grade(sample));
    const shown = ORDER.indexOf(this.#shown);
    if (now === shown) {
      this.#against = [];
      return false;
    }
    const worse = now > shown;
    this.#against = this.#against.filter((place) => place > shown === worse);
    this.#against.push(now);
    if (this.#against.length < (worse ? WORSE_AFTER : BETTER_AFTER)) return false;
    this.#shown = ORDER[worse ? Math.min(...this.#against) : Math.max(...this.#against)];
    this.#against = [];
    return true;
  }
}

/** @param {Grade[]} grades @returns {Grade} the worst of them */
export function worst(...grades) {
  return grades.reduce((one, other) => (ORDER.indexOf(one) > ORDER.indexOf(other) ? one : other));
}
