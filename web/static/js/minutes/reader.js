import { element } from "../elements.js";
import { t } from "../translate.js";

const NAMES = { question: t("问"), answer: t("答") };
const LINES = 3;

/**
 * The citizen reads along: the last lines of the minutes on a bar under the picture, all of them when it is
 * opened. Fetched only where the host shows the minutes.
 */
class Reader {
  #client;
  #bar;
  #list;
  #paragraphs = new Map();

  constructor(place, client) {
    this.#client = client;
    this.#list = element("ol.reading-list", { tabindex: "0", "aria-label": t("笔录") });
    this.#bar = element("details.reading", {}, element("summary", { text: t("笔录（正在记录）") }), this.#list);
    place.after(this.#bar);
    this.#bar.addEventListener("toggle", () => this.#paint());
    client.on("minutes", ({ minutes }) => this.#load(minutes));
    client.on("minutes.paragraph", ({ paragraph }) => this.#take(paragraph));
    client.on("welcome", () => this.ask());
  }

  ask() {
    this.#client.request("minutes.fetch").catch(() => {});
  }

  // Internal

  #load(minutes) {
    this.#bar.hidden = !minutes;
    this.#paragraphs = new Map((minutes?.paragraphs || []).map((one) => [one.id, one]));
    this.#paint();
  }

  #take(one) {
    const known = this.#paragraphs.get(one.id);
    if (known && known.revision > one.revision) return;
    this.#paragraphs.set(one.id, one);
    this.#paint();
  }

  #paint() {
    const said = [...this.#paragraphs.values()].filter((one) => !one.removed && one.text.trim()).sort((a, b) => a.place - b.place);
    const lines = this.#bar.open ? said : said.filter((one) => one.said_at).slice(-LINES);
    this.#list.replaceChildren(...lines.map((one) => element("li.reading-line", { "data-kind": one.kind },
      element("span.reading-who", { text: [NAMES[one.kind], one.speaker].filter(Boolean).join(" ") }), element("span", { text: one.text }))));
    if (this.#bar.open) this.#showNewest(lines.findLastIndex((one) => one.said_at));
  }

  /** What was said last, not the empty headings of the template below it. */
  #showNewest(at) {
    const line = this.#list.children[at];
    if (line) this.#list.scrollTop += line.getBoundingClientRect().bottom - this.#list.getBoundingClientRect().bottom;
  }
}

let reader = null;

/** Begin to read along, or ask anew. */
export function follow(place, client) {
  reader = reader || new Reader(place, client);
  reader.ask();
}
