/** What a media element holds, and how its clock is brought to the one of all. No DOM. */

/** Seconds before a stretch that count as within it: less than one picture. */
const SLACK = 0.06;
/** Seconds by which a track may be off before it is moved at once, and before it is hurried or slowed. */
const FAR = 0.25;
const OFF = 0.02;
const NEAR = 0.005;
const HURRY = 1.5;
const MOST = 0.1;

/** @param {TimeRanges} ranges @param {number} time @returns {boolean} */
export function covers(ranges, time) {
  for (let place = 0; place < ranges.length; place += 1) {
    if (ranges.start(place) - SLACK <= time && time < ranges.end(place)) return true;
  }
  return false;
}

/** @param {number[]} keys seconds of key frames, in order @returns {number|null} the last one not after `time` */
export function clearUntil(keys, time) {
  let found = null;
  for (const key of keys) if (key <= time) found = key;
  return found;
}

/**
 * How a track that is `off` seconds ahead of the common clock is brought back to it.
 * @param {number} off
 * @param {number} rate of the common clock
 * @param {boolean} steered whether it is being brought back already
 * @returns {{move: boolean, rate: number}} `move`: go there at once; else play at `rate`
 */
export function steer(off, rate, steered) {
  const far = Math.abs(off);
  if (far > FAR * Math.max(1, rate)) return { move: true, rate };
  if (far < (steered ? NEAR : OFF)) return { move: false, rate };
  return { move: false, rate: rate * (1 - Math.max(-MOST, Math.min(MOST, off * HURRY))) };
}

/**
 * The clock of all tracks: runs at a rate while it is let, and stands while something is waited for.
 */
export class CommonClock {
  #now;
  #at = 0;
  #since = null;
  #rate = 1;

  /** @param {() => number} now milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  get time() {
    return this.#since === null ? this.#at : this.#at + ((this.#now() - this.#since) / 1000) * this.#rate;
  }

  set time(seconds) {
    this.#at = seconds;
    if (this.#since !== null) this.#since = this.#now();
  }

  get rate() {
    return this.#rate;
  }

  set rate(rate) {
    this.time = this.time;
    this.#rate = rate;
  }

  get runs() {
    return this.#since !== null;
  }

  /** @param {boolean} run */
  run(run) {
    if (run === this.runs) return;
    this.#at = this.time;
    this.#since = run ? this.#now() : null;
  }
}

/**
 * Who is large. @param {"session"|"grid"|"speaker"|"spotlight"} layout
 * @param {number} time
 * @param {{chosen: string, shown: string[], turns: [number, string][]}} known `shown`: tiles of documents that
 *   are on the stage, the newest last; `turns`: who has the floor from when on
 * @returns {string} key of a tile; empty when all are equal
 */
export function largeAt(layout, time, { chosen, shown, turns }) {
  if (layout === "spotlight") return chosen;
  if (layout === "grid") return "";
  if (shown.length) return shown[shown.length - 1];
  if (layout !== "speaker") return "";
  let who = "";
  for (const [since, key] of turns) if (since <= time) who = key;
  return who;
}

/**
 * From spans of speech to who has the floor from when on; a yes does not take it.
 * @param {{key: string, spans: [number, number][]}[]} speeches
 * @returns {[number, string][]} in order
 */
export function turnsOf(speeches, shortest = 2) {
  const all = speeches.flatMap(({ key, spans }) => spans.filter(([since, until]) => until - since >= shortest).map(([since]) => [since, key]));
  all.sort((one, other) => one[0] - other[0]);
  return all.filter(([, key], place) => !place || all[place - 1][1] !== key);
}
