/** What was typed and is not saved yet, in this browser until it is; each official and session has its own. */
export class UnsentStore {
  #key;

  constructor(sessionId, who) {
    this.#key = `lianxin.minutes.${sessionId}.${who}`;
  }

  load() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch {
      return null;
    }
  }

  save(kept) {
    try {
      if (kept) localStorage.setItem(this.#key, JSON.stringify(kept));
      else localStorage.removeItem(this.#key);
    } catch { /* A full or forbidden store: the page itself still has every word. */ }
  }
}
