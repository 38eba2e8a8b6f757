/** Says how far the film is while it is made; asks rarely, and not at all while nobody looks. */
import { t } from "../translate.js";

const SOONEST = 5_000;
const RAREST = 30_000;

class Composing {
  #place;
  #wait = SOONEST;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    this.#later();
  }

  // Internal

  #later() {
    setTimeout(() => this.#look(), this.#wait);
  }

  async #look() {
    if (document.hidden) return this.#later();
    try {
      const answer = await fetch(this.#place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const { text, running } = await answer.json();
      // Written only when it changed: a screen reader says every change.
      if (this.#place.textContent !== text) this.#place.textContent = text;
      if (!running) {
        this.#place.textContent = t("{0}，刷新后可见。", text);
        return undefined;
      }
      this.#wait = SOONEST;
    } catch {
      this.#wait = Math.min(RAREST, this.#wait * 2);
    }
    return this.#later();
  }
}

const place = document.getElementById("composing-progress");
if (place) new Composing(place);
