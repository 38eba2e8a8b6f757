/** What several parts of a page have to say about one event comes within this time; milliseconds. */
const ONE_EVENT = 250;
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
   * @param {{topic?: string, every?: number}} [limits] of one topic at most one message each `every` milliseconds
   */
  say(text, { topic = text, every = 0 } = {}) {
    if (this.#allows(topic, text, every)) this.#gather(text, false);
  }

  /** For what cannot wait: a call, a lost connection. */
  alert(text) {
    if (this.#allows(text, text, 3000)) this.#gather(text, true);
  }

  /** The focus went to this heading, which is thereby read out: its words need no message. */
  reads(node) {
    this.#read = { node, at: this.#now() };
  }

  // Internal

  #allows(topic, text, every) {
    const before = this.#last.get(topic);
    const now = this.#now();
    if (before && (before.text === text && every === 0 || now - before.at < every)) return false;
    this.#last.set(topic, { text, at: now });
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
    const texts = [...new Set(this.#gathered.filter((one) => one.urgent || !read.includes(one.text)).map((one) => one.text))];
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
