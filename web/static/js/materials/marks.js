/** Places on a page are told in ten-thousandths of its width and height. */
export const UNITS = 10000;

const SVG = "http://www.w3.org/2000/svg";
/** Numbers of one stroke that the server takes. */
const LONGEST = 600;
/** Closer than this to the last place a stroke needs no point. */
const NEAR = 40;
const PAUSE = 100;
/** A pointer that says nothing for so long is gone. */
const FADES = 4000;

/** What is drawn over a page, and drawing. */
export class Strokes {
  active = false;
  #svg = document.createElementNS(SVG, "svg");
  #own = null;
  #points = [];
  #drawn = 0;

  /** @param {HTMLElement} sheet exactly as large as the page @param {(points: number[]) => void} draw */
  constructor(sheet, draw) {
    this.#svg.setAttribute("viewBox", `0 0 ${UNITS} ${UNITS}`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("class", "exhibit-strokes");
    this.#svg.setAttribute("aria-hidden", "true");
    sheet.append(this.#svg);
    sheet.addEventListener("pointerdown", (event) => {
      if (!this.active || this.#own) return;
      event.preventDefault();
      sheet.setPointerCapture(event.pointerId);
      this.#points = placeOf(sheet, event);
      this.#own = this.#line(this.#points);
    });
    sheet.addEventListener("pointermove", (event) => {
      if (!this.#own || this.#points.length >= LONGEST) return;
      const [x, y] = placeOf(sheet, event);
      const [before, above] = this.#points.slice(-2);
      if (Math.hypot(x - before, y - above) < NEAR) return;
      this.#points.push(x, y);
      this.#own.setAttribute("points", this.#points.join(" "));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      sheet.addEventListener(end, () => {
        if (!this.#own) return;
        const line = this.#own;
        this.#own = null;
        if (this.#points.length >= 4) draw(this.#points);
        else line.remove();
      });
    }
  }

  /** How many strokes of others and own are on the page. */
  get count() { return this.#drawn; }

  /** @param {number[][]} strokes everything on the page, in place of what was there */
  paint(strokes) {
    this.#svg.replaceChildren(...(this.#own ? [this.#own] : []));
    for (const points of strokes) this.#line(points);
    this.#drawn = strokes.length;
  }

  // Internal

  #line(points) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    this.#svg.append(line);
    return line;
  }
}

/** Where somebody points, and pointing: ten times a second at most, and the last place is told. */
export class Pointer {
  #sheet;
  #tell;
  #dots = new Map();
  #active = false;
  #toldAt = 0;
  #soon = null;

  constructor(sheet, tell) {
    this.#sheet = sheet;
    this.#tell = tell;
    const moved = (event) => this.#active && this.#point(...placeOf(sheet, event));
    sheet.addEventListener("pointermove", moved);
    sheet.addEventListener("pointerdown", moved);
    sheet.addEventListener("pointerleave", () => this.#active && this.#point(-1, -1));
  }

  set active(active) {
    if (this.#active && !active) this.#point(-1, -1);
    this.#active = active;
  }

  /** Somebody points, or no longer. */
  show(by, x, y) {
    const known = this.#dots.get(by);
    if (x < 0) return this.#drop(by);
    const dot = known ? known.dot : document.createElement("span");
    if (known) clearTimeout(known.timer);
    dot.className = "exhibit-dot";
    dot.style.left = `${(x / UNITS) * 100}%`;
    dot.style.top = `${(y / UNITS) * 100}%`;
    if (!known) this.#sheet.append(dot);
    this.#dots.set(by, { dot, timer: setTimeout(() => this.#drop(by), FADES) });
    return undefined;
  }

  clear() {
    for (const by of [...this.#dots.keys()]) this.#drop(by);
  }

  // Internal

  #drop(by) {
    const known = this.#dots.get(by);
    if (!known) return;
    clearTimeout(known.timer);
    known.dot.remove();
    this.#dots.delete(by);
  }

  #point(x, y) {
    this.show("me", x, y);
    clearTimeout(this.#soon);
    const wait = this.#toldAt + PAUSE - performance.now();
    const tell = () => {
      this.#toldAt = performance.now();
      this.#tell(x, y);
    };
    if (wait <= 0) tell();
    else this.#soon = setTimeout(tell, wait);
  }
}

function placeOf(sheet, event) {
  const box = sheet.getBoundingClientRect();
  const place = (value, size) => Math.min(UNITS, Math.max(0, Math.round((value / size) * UNITS)));
  return [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
}
