/**
 * The one polite and the one assertive live region of a page (WCAG 4.1.3): everything that is spoken
 * goes through here, so nothing is said twice.
 */
export class Announcer {
  #polite;
  #assertive;
  #last = new Map();
  #now;

  constructor(parent = document.body, now = () => performance.now()) {
    this.#polite = region(parent, "polite");
    this.#assertive = region(parent, "assertive");
    this.#now = now;
  }

  /**
   * @param {string} text
   * @param {{topic?: string, every?: number}} [limits] of one topic at most one message each `every` milliseconds
   */
  say(text, { topic = text, every = 0 } = {}) {
    if (this.#allows(topic, text, every)) this.#polite.textContent = text;
  }

  /** For what cannot wait: a call, a lost connection. */
  alert(text) {
    if (this.#allows(text, text, 3000)) this.#assertive.textContent = text;
  }

  // Internal

  #allows(topic, text, every) {
    const before = this.#last.get(topic);
    const now = this.#now();
    if (before && (before.text === text && every === 0 || now - before.at < every)) return false;
    this.#last.set(topic, { text, at: now });
    return true;
  }
}

/** The page's own region where it has one, so that there are never two. */
function region(parent, politeness) {
  const there = parent.querySelector(`[data-announcer=${politeness}]`);
  if (there) return there;
  const node = document.createElement("div");
  node.className = "announcer";
  node.setAttribute("aria-live", politeness);
  node.setAttribute("data-announcer", politeness);
  parent.append(node);
  return node;
}
