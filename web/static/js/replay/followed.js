import { Timeline } from "./timeline.js";

/** A list of moments: the present one is marked and kept in view. */
export class FollowedList {
  #film;
  #links;
  #timeline;
  #current = -1;

  /**
   * @param {{currentTime: number} & EventTarget} film
   * @param {HTMLElement} list with links [data-seek] in the order of time
   */
  constructor(film, list) {
    this.#film = film;
    this.#links = [...list.querySelectorAll("[data-seek]")];
    this.#timeline = new Timeline(this.#links.map((link) => Number(link.dataset.seek)));
    for (const kind of ["timeupdate", "seeking", "seeked"]) film.addEventListener(kind, () => this.#mark());
  }

  /** @param {1|-1} step @returns {number|null} seconds of the one after or before the present moment */
  beside(step) {
    return this.#timeline.beside(this.#film.currentTime, step);
  }

  // Internal

  #mark() {
    const current = this.#timeline.at(this.#film.currentTime);
    if (current === this.#current) return;
    if (this.#current >= 0) this.#links[this.#current].removeAttribute("aria-current");
    this.#current = current;
    if (current < 0) return;
    this.#links[current].setAttribute("aria-current", "true");
    keepInView(this.#links[current]);
  }
}

/** Scroll the list only, never the page. */
function keepInView(link) {
  const list = link.parentElement;
  const top = link.offsetTop - list.offsetTop;
  if (top < list.scrollTop || top + link.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = top - list.clientHeight / 3;
  }
}
