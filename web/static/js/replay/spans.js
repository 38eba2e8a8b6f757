/** Stretches of a film in which it is worth staying. No DOM. */

/**
 * @param {[number, number][]} spans from and until, in seconds, in any order
 * @param {number} pad seconds kept before and after each
 * @param {number} least shorter stretches between two are kept as well
 * @returns {[number, number][]} in order, without overlap
 */
export function merge(spans, pad = 0, least = 0) {
  const found = [];
  for (const [start, end] of [...spans].sort((one, other) => one[0] - other[0])) {
    const from = Math.max(0, start - pad);
    const last = found[found.length - 1];
    if (last && from - last[1] <= least) last[1] = Math.max(last[1], end + pad);
    else found.push([from, end + pad]);
  }
  return found;
}

/** Goes from one stretch to the next and leaves out what is between. */
export class Way {
  #kept;
  #end;

  /**
   * @param {[number, number][]} kept in order, without overlap
   * @param {number} end of the film in seconds
   */
  constructor(kept, end) {
    this.#kept = kept.filter(([start]) => start < end);
    this.#end = end;
  }

  /** Nowhere to stay at all. */
  get empty() {
    return this.#kept.length === 0;
  }

  /** @returns {number} seconds that are left out when the whole film is shown */
  get left() {
    return this.#end - this.#kept.reduce((sum, [start, end]) => sum + Math.min(end, this.#end) - start, 0);
  }

  /** @param {number} time seconds @returns {number|null} where to go on, null to stay, the film's end after the last */
  next(time) {
    for (const [start, end] of this.#kept) {
      if (time < start) return start;
      if (time < end) return null;
    }
    return this.#end;
  }

  /** @param {number} time seconds @returns {number|null} the end of the stretch before, at most `seconds` of it */
  back(time, seconds) {
    const last = this.#kept.filter(([, end]) => end <= time).pop();
    return last ? Math.max(last[0], last[1] - seconds) : null;
  }

  /** @param {number} time seconds @returns {number|null} the beginning of the stretch after, or before, this time */
  beside(time, step) {
    const starts = this.#kept.map(([start]) => start);
    if (step > 0) return starts.find((start) => start > time + 0.5) ?? null;
    return starts.filter((start) => start < time - 2).pop() ?? null;
  }
}
