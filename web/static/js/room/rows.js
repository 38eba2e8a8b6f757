import { element, setText } from "../elements.js";
import { t } from "../translate.js";

/** Rows that stay when the list is painted again, so that the keyboard focus is never lost. */
export class KeyedRows {
  #container;
  #rows = new Map();
  #make;

  constructor(container, make) {
    this.#container = container;
    this.#make = make;
  }

  /** @param {any[]} entries @param {(entry: any) => string} key */
  update(entries, key) {
    const wanted = entries.map((entry) => key(entry));
    for (const [id, row] of this.#rows) {
      if (!wanted.includes(id)) {
        row.root.remove();
        this.#rows.delete(id);
      }
    }
    entries.forEach((entry, place) => {
      const row = this.#row(key(entry), entry);
      row.update(entry);
      if (this.#container.children[place] !== row.root) this.#container.insertBefore(row.root, this.#container.children[place] || null);
    });
  }

  #row(id, entry) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#make(entry));
    return this.#rows.get(id);
  }
}

let numbered = 0;

/**
 * A row with its name, and behind one button everything that is needed seldom: four people fit beside
 * each other's controls on a screen of 720 lines.
 */
export class Row {
  #more;
  #acts;
  #head;
  #note = element("p.person-note");

  /**
   * @param {HTMLElement[]} head name and what stands beside it
   * @param {HTMLElement|null} first the act that is needed often
   * @param {(HTMLElement|null)[]} others
   */
  constructor(head, first, others) {
    const id = `acts-${numbered += 1}`;
    this.#acts = element("div.person-acts", { id, hidden: true }, ...others);
    this.#more = element("button.button.button-second.is-small", { type: "button", text: t("操作"), "aria-expanded": "false", "aria-controls": id, on: { click: () => this.#toggle() } });
    this.#head = element("p.seat-head", {}, ...head);
    this.root = element("li.seat", {},
      element("div.seat-line", {}, element("div.seat-who", {}, this.#head, this.#note), first, this.#more), this.#acts);
    this.#acts.addEventListener("click", (event) => event.target.closest("button") && this.#close());
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && !this.#acts.hidden && this.#close());
  }

  /** @param {string} name whose acts they are, for who does not see the row */
  update(name, note, bad, acts) {
    setText(this.#note, note);
    this.#note.classList.toggle("is-bad", bad);
    this.#note.hidden = note === "";
    this.#more.hidden = !acts;
    if (!acts) this.#acts.hidden = true;
    this.#more.setAttribute("aria-label", t("操作：{0}", name));
  }

  // Internal

  #toggle() {
    const open = this.#acts.hidden;
    for (const other of document.querySelectorAll(".person-acts:not([hidden])")) {
      other.hidden = true;
      document.querySelector(`[aria-controls=${other.id}]`).setAttribute("aria-expanded", "false");
    }
    this.#acts.hidden = !open;
    this.#more.setAttribute("aria-expanded", String(open));
    if (open) this.root.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.#acts.hidden = true;
    this.#more.setAttribute("aria-expanded", "false");
    this.#more.focus();
  }
}

/** A small button of a row. @param {string} command for tests and the demonstration */
export function button(text, act, kind, command) {
  return element(`button.button.${kind}.is-small`, { type: "button", text, "data-command": command, on: { click: act } });
}
