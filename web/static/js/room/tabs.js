/** Tabs by the ARIA pattern: arrow keys move, only the chosen one is in the Tab order. */
export class Tabs {
  #tabs;
  #chosen = () => {};

  /**
   * @param {HTMLElement} list with role=tablist
   * @param {(name: string) => void} chosen
   */
  constructor(list, chosen) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.#chosen = chosen;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.choose(tab));
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {HTMLElement} tab */
  choose(tab) {
    for (const other of this.#tabs) {
      const selected = other === tab;
      other.setAttribute("aria-selected", String(selected));
      other.tabIndex = selected ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !selected;
    }
    this.#chosen(tab.dataset.tab);
  }

  // Internal

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = this.#tabs.indexOf(document.activeElement);
    const next = this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length];
    this.choose(next);
    next.focus();
  }
}
