import { element, setText } from "../elements.js";
import { find, parts } from "./passages.js";
import { t } from "../translate.js";

const MOST_SHOWN = 100;

/** The field in which words of the recording are looked up: what happened, was marked, written and said. */
export class Finder {
  #player;
  #passages;
  #field;
  #hits;
  #said;
  #found = [];
  #place = -1;

  /**
   * @param {import("./player.js").Player} player
   * @param {HTMLElement} area hidden as long as nothing can be looked up
   * @param {{seconds: number, text: string, when: string}[]} passages
   */
  constructor(player, area, passages) {
    this.#player = player;
    this.#passages = passages;
    this.#field = element("input.input", { id: "find-words", type: "search", autocomplete: "off", enterkeyhint: "search", "aria-describedby": "find-hint" });
    this.#said = element("p", { role: "status", id: "find-said" });
    this.#hits = element("div.events.find-hits", { hidden: true });
    area.append(
      element("form.field", { role: "search", "aria-labelledby": "find-title", on: { submit: (event) => this.#entered(event) } },
        element("label", { for: "find-words", text: t("词语") }),
        element("span.field-hint", { id: "find-hint", text: t("标记、文字消息、笔录和过程里的词。回车到下一处。") }),
        this.#field),
      this.#said, this.#hits);
    this.#field.addEventListener("input", () => this.#look());
    area.hidden = false;
  }

  /** Go to the field, for a key. */
  focus() {
    this.#field.focus();
    this.#field.select();
  }

  // Internal

  #look() {
    const typed = this.#field.value;
    this.#found = find(this.#passages, typed);
    this.#place = -1;
    this.#hits.replaceChildren(...this.#found.slice(0, MOST_SHOWN).map((hit) => row(hit, typed)));
    this.#hits.hidden = !this.#found.length;
    const count = this.#found.length;
    setText(this.#said, !typed.trim() ? "" : count ? t("找到 {0} 处。", count) : t("没有找到。"));
  }

  #entered(event) {
    event.preventDefault();
    if (!this.#found.length) return;
    this.#place = (this.#place + 1) % this.#found.length;
    const hit = this.#found[this.#place];
    [...this.#hits.children].forEach((link, place) => link.toggleAttribute("data-here", place === this.#place));
    setText(this.#said, t("第 {0} 处，共 {1} 处：{2} {3}", this.#place + 1, this.#found.length, hit.when, hit.text));
    this.#player.seek(hit.seconds);
  }
}

function row({ seconds, text, when }, typed) {
  const words = element("span", {}, ...parts(text, typed).map(([part, hit]) => element(hit ? "mark" : "span", { text: part })));
  return element("a.event", { href: `#t=${seconds}`, "data-seek": seconds }, element("span.event-time", { text: when }), words);
}

/** What a list of links [data-seek] says, to be looked up. @param {HTMLElement} list */
export function passagesOf(list) {
  return [...list.querySelectorAll("[data-seek]")].map((link) => {
    const [when, ...rest] = [...link.children].filter((child) => child.tagName !== "IMG").map((child) => child.textContent.trim().replace(/\s+/g, " "));
    return { seconds: Number(link.dataset.seek), when, text: rest.join(" ") };
  });
}
