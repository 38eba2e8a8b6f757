/** Places on a page are told in ten-thousandths of its width and height. */
export const UNITS = 10000;

/** Which page of a document is up at a moment, and which lines are on it. No DOM. */
export class Papers {
  #showings;
  #strokes;

  /**
   * @param {{sheets: object[], showings: [number, number, number, string][], strokes: [number, number, number, number[]][]}} data
   *   of web/replay/exhibits.py; showings in order and apart from each other
   */
  constructor({ sheets, showings, strokes }) {
    this.sheets = sheets;
    this.#showings = showings;
    this.#strokes = sheets.map((_, sheet) => strokes.filter(([on]) => on === sheet));
  }

  /** @param {number} time seconds @returns {{sheet: number, who: string}|null} what is up */
  at(time) {
    const place = this.#place(time);
    if (place < 0 || time >= this.#showings[place][1]) return null;
    const [, , sheet, who] = this.#showings[place];
    return { sheet, who };
  }

  /** @returns {number|null} the sheet that comes up next, if it does within so many seconds */
  coming(time, within) {
    const next = this.#showings[this.#place(time) + 1];
    return next && next[0] - time <= within ? next[2] : null;
  }

  /** @param {number} sheet @param {number} time @returns {number[][]} every line that is on it: x, y, x, y… */
  drawn(sheet, time) {
    return this.#strokes[sheet].filter(([, since, until]) => since <= time && time < until).map(([, , , points]) => points);
  }

  // Internal

  /** The place of the last showing that has begun, -1 before the first. */
  #place(time) {
    let [low, high] = [0, this.#showings.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#showings[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
