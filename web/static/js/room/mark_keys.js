/** The keys that set marks: four to begin with, others by choice, kept with this browser. No DOM. */

const STORED = "lianxin.mark_keys";
export const KINDS = ["key", "promise", "dispute", "care"];
const USUAL = Object.fromEntries(KINDS.map((kind, at) => [kind, `Control+Shift+Digit${at + 1}`]));
/** What browsers leave alone: digits with Ctrl and Shift, letters with Alt and Shift, and some keys by themselves. */
const ALLOWED = /^(Control\+Shift\+Digit\d|Alt\+Shift\+Key[A-Z]|F(2|4|8|9|10))$/;

/** @returns {string} what is held and pressed: `Control+Shift+Digit1`; empty while only Ctrl, Alt or Shift is */
export function comboOf({ code = "", ctrlKey, altKey, shiftKey, metaKey }) {
  if (/^(Control|Alt|Shift|Meta|OS)/.test(code)) return "";
  return [ctrlKey && "Control", altKey && "Alt", shiftKey && "Shift", metaKey && "Meta", code].filter(Boolean).join("+");
}

/** @returns {string} as people and `aria-keyshortcuts` read it: `Control+Shift+1` */
export function said(combo) {
  return combo.replace(/Digit|Key/, "");
}

/** @returns {string} as it stands on a button: `Ctrl+Shift+1` */
export function shown(combo) {
  return said(combo).replace("Control", "Ctrl");
}

export class MarkKeys {
  #store;
  #taken;
  #chosen;

  /**
   * @param {{getItem: Function, setItem: Function, removeItem: Function}} store
   * @param {Set<string>} taken keys of the page that mean something else, each as `comboOf` says it
   */
  constructor(store, taken) {
    this.#store = store;
    this.#taken = taken;
    this.#chosen = this.#read();
  }

  /** @returns {string} */
  of(kind) {
    return this.#chosen[kind];
  }

  /** @returns {string|undefined} which mark this key sets */
  kindOf(event) {
    const combo = comboOf(event);
    return KINDS.find((kind) => this.#chosen[kind] === combo);
  }

  get changed() {
    return KINDS.some((kind) => this.#chosen[kind] !== USUAL[kind]);
  }

  /**
   * @returns {""|"not_allowed"|"taken"|"other_mark"} why not; empty when the key is this mark's from now on
   */
  change(kind, combo) {
    if (!ALLOWED.test(combo)) return "not_allowed";
    if (this.#taken.has(combo)) return "taken";
    if (KINDS.some((other) => other !== kind && this.#chosen[other] === combo)) return "other_mark";
    this.#chosen = { ...this.#chosen, [kind]: combo };
    this.#keep(() => this.#store.setItem(STORED, JSON.stringify(this.#chosen)));
    return "";
  }

  reset() {
    this.#chosen = { ...USUAL };
    this.#keep(() => this.#store.removeItem(STORED));
  }

  // Internal

  /** What somebody else wrote there is believed only as far as it could be chosen here. */
  #read() {
    let kept = null;
    this.#keep(() => (kept = JSON.parse(this.#store.getItem(STORED))));
    const combos = KINDS.map((kind) => kept?.[kind]);
    const good = combos.every((combo) => ALLOWED.test(combo) && !this.#taken.has(combo)) && new Set(combos).size === KINDS.length;
    return good ? Object.fromEntries(KINDS.map((kind, at) => [kind, combos[at]])) : { ...USUAL };
  }

  /** A browser that keeps nothing has the keys for this page only. */
  #keep(work) {
    try { work(); } catch { /* Private mode, or no JSON. */ }
  }
}
