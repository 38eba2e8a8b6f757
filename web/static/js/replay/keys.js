import { element } from "../elements.js";
import { t } from "../translate.js";

const STORE = "lianxin.replay.keys";
const TYPING = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";

/**
 * One table of keys: acts on them and lists them in the dialog of help.
 *
 * Single letters can be switched off (WCAG 2.1.4). Keys with which a page is scrolled or a control is
 * worked are taken only where the focus is in the player or in a list of moments.
 */
export class Keys {
  #table;
  #near;
  #dialog;
  #switch;

  /**
   * @param {{keys: string[], shown: string, text: string, act: () => void, near?: boolean}[]} table
   * @param {HTMLElement[]} near where keys marked `near` work
   */
  constructor(table, near) {
    this.#table = table;
    this.#near = near;
    this.#switch = element("input", { type: "checkbox", id: "keys-on", on: { change: () => this.#keep() } });
    this.#switch.checked = kept() !== "off";
    this.#dialog = this.#makeDialog();
    document.body.append(this.#dialog);
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Show the list of keys; Escape or the button closes it and the focus is where it was. */
  help() {
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  // Internal

  #makeDialog() {
    const rows = this.#table.flatMap(({ shown, text }) => [
      element("dt", {}, ...shown.split(" ").map((key) => element("kbd", { text: key }))), element("dd", { text }),
    ]);
    return element("dialog.dialog", { "aria-labelledby": "keys-title" },
      element("h2", { id: "keys-title", tabindex: "-1", autofocus: true, text: t("键盘操作") }),
      element("dl.keys", {}, ...rows),
      element("label.choice", {}, this.#switch, element("span", { text: t("使用单键快捷键") })),
      element("form.dialog-acts", { method: "dialog" }, element("button.button", { type: "submit", text: t("关闭") })));
  }

  #keep() {
    try {
      localStorage.setItem(STORE, this.#switch.checked ? "on" : "off");
    } catch {
      // Without a store it holds until the page is left.
    }
  }

  #pressed(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const target = event.target;
    if (this.#dialog.open || target.closest("dialog") || target.matches(TYPING)) return;
    const name = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key.toLowerCase();
    const found = this.#table.find(({ keys }) => keys.some((key) => key === name || key === event.key));
    if (!found || !this.#takes(event, found, target)) return;
    event.preventDefault();
    found.act();
  }

  #takes(event, { near }, target) {
    if (event.key.length === 1 && event.key !== " " && !this.#switch.checked) return false;
    // A page that is looked at closely is scrolled by them.
    if (event.key.startsWith("Arrow") && target.matches("input, .is-close .sheet-view")) return false;
    if ((event.key === " " || event.key === "Enter") && target.matches("button, summary, input")) return false;
    return !near || this.#near.some((area) => area.contains(target));
  }
}

function kept() {
  try {
    return localStorage.getItem(STORE);
  } catch {
    return null;
  }
}
