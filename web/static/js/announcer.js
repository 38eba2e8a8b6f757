/** What several parts of a page have to say about one event comes within this time; milliseconds. */
const ONE_EVENT = 250;
/** Words of no topic are told again after this time; milliseconds. */
const SAME_WORDS = 3000;
/** A heading that got the focus was read out by the screen reader itself this long before; milliseconds. */
const JUST_READ = 2000;

/**
 * The one polite and the one assertive live region of a page (WCAG 4.1.3): everything that is spoken
 * goes through here, so nothing is said twice, and the parts of one event are one message.
 */
export class Announcer {
  #polite;
  #assertive;
  #last = new Map();
  #now;
  #later;
  #gathered = [];
  #read = { node: null, at: 0 };

  constructor(parent = document.body, now = () => performance.now(), later = (tell) => setTimeout(tell, ONE_EVENT)) {
    this.#polite = region(parent, "polite");
    this.#assertive = region(parent, "assertive");
    this.#now = now;
    this.#later = later;
  }

  /**
   * @param {string} text
   * @param {{topic?: string, every?: number}} [limits] of one topic only what is new, and at most one message
   *   each `every` milliseconds
   */
  say(text, { topic = "", every = 0 } = {}) {
    if (this.#allows(topic, text, every)) this.#gather(text, false);
  }

  /** For what cannot wait: a call, a lost connection. */
  alert(text) {
    if (this.#allows("", text, 0)) this.#gather(text, true);
  }

  /** The focus went to this heading, which is thereby read out: its words need no message. */
  reads(node) {
    this.#read = { node, at: this.#now() };
  }

  // Internal

  #allows(topic, text, every) {
    const key = topic || text;
    const before = this.#last.get(key);
    const now = this.#now();
    if (before && (topic && before.text === text || now - before.at < (topic ? every : SAME_WORDS))) return false;
    this.#last.set(key, { text, at: now });
    return true;
  }

  #gather(text, urgent) {
    this.#gathered.push({ text, urgent });
    if (this.#gathered.length === 1) this.#later(() => this.#tell());
  }

  #tell() {
    const urgent = this.#gathered.some((one) => one.urgent);
    const { node, at } = this.#read;
    const read = node && this.#now() - at < JUST_READ ? node.textContent : "";
    const first = this.#gathered.sort((one, other) => Number(other.urgent) - Number(one.urgent));
    const texts = [...new Set(first.filter((one) => one.urgent || !read.includes(one.text)).map((one) => one.text))];
    this.#gathered = [];
    const told = texts.filter((text) => !texts.some((other) => other !== text && other.includes(text)));
    if (told.length) (urgent ? this.#assertive : this.#polite).textContent = joined(told);
  }
}

/** Sentences after one another, each with one full stop, the last as it came. */
function joined(sentences) {
  const stop = /^en/.test(document.documentElement.lang) ? ". " : "。";
  return sentences.map((text, at) => at < sentences.length - 1 ? text.replace(/[。.]$/, "") + stop : text).join("");
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

/** While this dialog is open nothing outside of it is heard: the page's announcers are in it so long. */
export function announceIn(dialog) {
  const regions = [...document.querySelectorAll("[data-announcer]")];
  const home = regions[0]?.parentNode;
  dialog.append(...regions);
  dialog.addEventListener("close", () => (home?.isConnected ? home : document.body).append(...regions), { once: true });
}
