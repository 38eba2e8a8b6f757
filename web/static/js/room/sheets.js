import { element, label } from "../elements.js";
import { t } from "../translate.js";

const SHEETS = { panel: ["people", t("人员")], more: ["more", t("更多")] };

/**
 * On a narrow page the people come first: what stands around the stage on a desk opens from the bar, one
 * thing at a time, and the pictures stay in sight above it. On a desk all of it is open and this does nothing.
 */
export class Sheets {
  #root;
  #buttons;
  #opened;
  #count = element("span.bar-count", { hidden: true });

  /**
   * @param {HTMLElement} root its `data-sheet` names what is open
   * @param {(name: string) => HTMLElement} action
   * @param {() => void} opened hears that the panel was opened
   */
  constructor(root, action, opened) {
    this.#root = root;
    this.#opened = opened;
    this.#buttons = Object.fromEntries(Object.keys(SHEETS).map((name) => [name, action(name)]));
    for (const [name, button] of Object.entries(this.#buttons)) {
      label(button, ...SHEETS[name]);
      button.addEventListener("click", () => this.#choose(root.dataset.sheet === name ? "" : name));
    }
    this.#buttons.panel.append(this.#count);
    // Before the act itself: a dialog gives the focus back to what had it, and what is folded away takes none.
    root.addEventListener("click", (event) => this.#fold(event.target.closest(".bar-button.is-seldom")), true);
  }

  /** @param {"panel"|"more"} name */
  open(name) {
    this.#choose(name);
  }

  /** @param {number} waiting how much there is to look at in the panel: who waits, hands, words not read */
  update(waiting) {
    const { panel } = this.#buttons;
    if (this.#count.textContent === String(waiting || "")) return;
    this.#count.textContent = waiting || "";
    this.#count.hidden = !waiting;
    panel.setAttribute("aria-label", waiting ? t("人员、标记、聊天和笔录：{0} 件要看", waiting) : t("人员、标记、聊天和笔录"));
  }

  // Internal

  #choose(name) {
    this.#root.dataset.sheet = name;
    for (const [each, button] of Object.entries(this.#buttons)) button.setAttribute("aria-expanded", String(each === name));
    if (name === "panel") this.#opened();
  }

  #fold(pressed) {
    if (!pressed || this.#root.dataset.sheet !== "more" || this.#buttons.more.offsetParent === null) return;
    this.#buttons.more.focus();
    this.#choose("");
  }
}
