/** Times and events of a replay. No DOM. */

/**
 * @param {string} text `75`, `75.5`, `1m15s`, `1h10m5s`
 * @returns {number|null} seconds
 */
export function parseTime(text) {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (!match || text === "") return null;
  const [, hours, minutes, seconds] = match.map((part) => Number(part || 0));
  return hours * 3600 + minutes * 60 + seconds;
}

/** @param {number} seconds @returns {string} `1h10m5s`, as in a link to this moment */
export function formatTime(seconds) {
  const whole = Math.floor(seconds);
  const parts = [[Math.floor(whole / 3600), "h"], [Math.floor(whole / 60) % 60, "m"], [whole % 60, "s"]];
  return parts.filter(([value]) => value > 0).map(([value, unit]) => `${value}${unit}`).join("") || "0s";
}

/** Which event a moment belongs to, and which comes before and after. */
export class Timeline {
  #offsets;

  /** @param {number[]} offsets seconds, in order */
  constructor(offsets) {
    this.#offsets = offsets;
  }

  /** @param {number} time seconds @returns {number} index of the last event not after it, or -1 */
  at(time) {
    let found = -1;
    for (let place = 0; place < this.#offsets.length && this.#offsets[place] <= time + 0.05; place += 1) found = place;
    return found;
  }

  /**
   * @param {number} time seconds
   * @param {1|-1} step
   * @returns {number|null} where to go; within two seconds of an event "previous" means the one before
   */
  beside(time, step) {
    if (step === 1) {
      const next = this.#offsets.find((offset) => offset > time + 0.5);
      return next === undefined ? null : next;
    }
    const before = this.#offsets.filter((offset) => offset < time - 2);
    return before.length ? before[before.length - 1] : this.#offsets.length ? this.#offsets[0] : null;
  }
}
