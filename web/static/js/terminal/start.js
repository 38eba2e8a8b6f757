import { markReady } from "../boot.js";
import { t } from "../translate.js";

/** The visit has a window of its own: with it go its history and what the browser kept of its pages. */
const VISIT = "lianxin-visit";
const UNTOUCHED = 60_000;

/** The start page of a station's terminal: what was read or typed opens the visit. */
class Start {
  #form;
  #field;
  #wrong;
  #busy = false;
  #timer = 0;

  constructor(form) {
    this.#form = form;
    this.#field = form.querySelector("input[name=link]");
    this.#wrong = form.querySelector("[data-part=wrong]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#open();
    });
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#touched(), { passive: true });
    // A scanner types wherever the focus is.
    addEventListener("focus", () => this.#field.focus());
    this.#field.focus();
  }

  // Internal

  /** Whoever goes away from here leaves nothing either: no half of a link, no large type. */
  #touched() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      clear();
      location.reload();
    }, UNTOUCHED);
  }

  async #open() {
    if (this.#busy) return;
    this.#busy = true;
    const link = this.#field.value;
    this.#field.value = "";
    const answer = await fetch(this.#form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
    }).catch(() => null);
    this.#busy = false;
    const told = answer ? await answer.json().catch(() => ({})) : {};
    if (told.next) {
      this.#say("");
      if (!window.open(told.next, VISIT)) location.assign(told.next);
      return;
    }
    this.#say(told.error ? told.error.message : t("现在打不开，请过一会儿再试，或请工作人员帮忙。"));
    this.#field.focus();
  }

  #say(words) {
    this.#wrong.textContent = words;
    this.#wrong.hidden = !words;
    this.#field.setAttribute("aria-invalid", String(Boolean(words)));
  }
}

/** @returns {boolean} whether anything was left by the person before, as after a loss of power */
function clear() {
  let left = false;
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      left = left || window[name].length > 0;
      window[name].clear();
    } catch { /* Closed by the browser: then nothing was kept. */ }
  }
  return left;
}

markReady();
if (clear()) location.reload();
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
new Start(document.querySelector("form[data-terminal=start]"));
