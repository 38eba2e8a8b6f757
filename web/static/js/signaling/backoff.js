/**
 * Waiting times between attempts: 0.3 s doubling to 5 s, each shortened by up to half at random,
 * so that a hall full of phones does not come back in one instant.
 */
export class Backoff {
  #attempts = 0;
  #random;

  /** @param {() => number} random a number in [0, 1) */
  constructor(random = Math.random) {
    this.#random = random;
  }

  get attempts() {
    return this.#attempts;
  }

  /** @returns {number} milliseconds to wait before the next attempt */
  next() {
    const ceiling = Math.min(5000, 300 * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    return Math.round(ceiling * (1 - 0.5 * this.#random()));
  }

  reset() {
    this.#attempts = 0;
  }
}
