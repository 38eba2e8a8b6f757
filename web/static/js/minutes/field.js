import { timeOfDay } from "../clock.js";
import { element, setText } from "../elements.js";
import { follow } from "./merge.js";
import { t } from "../translate.js";

export const KINDS = { question: t("问"), answer: t("答"), statement: t("陈述"), heading: t("标题"), note: t("备注") };
const LONGEST = 4000;

/** @returns {string} name and office */
export function speakerLabel({ speaker, office }) {
  return office ? `${speaker}（${office}）` : speaker;
}

/** One paragraph on the page: who says it, when, and the text. */
export class Field {
  #text;
  #kind;
  #speaker;
  #time;
  #trouble;
  #number;
  #who;
  #options = "";
  #measured = "";

  /** @param {{typed: (text: string) => void, described: (kind: string, speaker: string) => void, moved: (step: number) => void, removed: () => void}} acts */
  constructor(id, acts) {
    const tool = (text, act) => element("button.button.button-second.is-small", { type: "button", text, on: { click: act } });
    const described = () => acts.described(this.#kind.value, this.#speaker.value);
    this.#number = element("span.minutes-number");
    this.#who = element("span.minutes-who");
    this.#kind = element("select.input", { "aria-label": t("类别"), on: { change: described } }, ...Object.entries(KINDS).map(([value, text]) => element("option", { value, text })));
    this.#speaker = element("select.input", { "aria-label": t("说话人"), on: { change: described, keydown: (event) => event.key === "Enter" && this.focus() } });
    this.#time = element("span.minutes-time");
    this.#trouble = element("p.minutes-trouble", { hidden: true, id: `trouble-${id}` });
    this.#text = element("textarea.input.minutes-text", { rows: "1", maxlength: String(LONGEST), "aria-describedby": `trouble-${id}`, on: { input: () => this.#typed(acts) } });
    this.node = element("li.minutes-paragraph", { "data-paragraph": id },
      element("p.minutes-head", {}, this.#number, this.#who, this.#time),
      this.#text, this.#trouble,
      element("div.minutes-tools", {}, this.#kind, this.#speaker, tool(t("上移"), () => acts.moved(-1)), tool(t("下移"), () => acts.moved(1)), tool(t("删除"), () => acts.removed())));
  }

  focus() { this.#text.focus(); }
  chooseSpeaker() { this.#speaker.focus(); }

  paint(one, number, speakers, writable) {
    this.node.dataset.kind = one.kind;
    setText(this.#number, String(number));
    setText(this.#who, [one.kind === "heading" ? "" : KINDS[one.kind], speakerLabel(one)].filter(Boolean).join(" "));
    this.#kind.value = one.kind;
    this.#paintSpeakers(one, speakers);
    setText(this.#time, one.said_at ? timeOfDay(Date.parse(one.said_at)) : "");
    setText(this.#trouble, one.trouble ? t("没有保存：{0}", one.trouble) : "");
    this.#trouble.hidden = !one.trouble;
    this.#text.setAttribute("aria-label", t("第 {0} 段，{1} {2}", number, KINDS[one.kind], speakerLabel(one)));
    this.#text.readOnly = !writable;
    for (const control of this.node.querySelectorAll("select, button")) control.disabled = !writable;
    if (this.#text.value !== one.text) this.follow(one);
  }

  /** As high as its text; measured again only when text or width have changed. */
  grow(width = this.#text.clientWidth) {
    const measured = `${width} ${this.#text.value}`;
    if (measured === this.#measured) return;
    this.#text.style.height = "auto";
    if (!this.#text.scrollHeight) return;
    this.#text.style.height = `${this.#text.scrollHeight + 4}px`;
    this.#measured = measured;
  }

  /** Others wrote: the text changes, the caret stays where it was between the words. */
  follow(one) {
    const { value, selectionStart, selectionEnd } = this.#text;
    if (value === one.text) return;
    const focused = document.activeElement === this.#text;
    this.#text.value = one.text;
    if (focused) this.#text.setSelectionRange(follow(value, one.text, selectionStart), follow(value, one.text, selectionEnd));
    this.grow();
  }

  // Internal

  #typed(acts) {
    acts.typed(this.#text.value);
    this.grow();
  }

  #paintSpeakers(one, speakers) {
    const key = speakers.map((each) => each.id).join();
    if (key !== this.#options) {
      this.#options = key;
      this.#speaker.replaceChildren(element("option", { value: "", text: t("（不写说话人）") }),
        ...speakers.map((each) => element("option", { value: each.id, text: speakerLabel({ speaker: each.name, office: each.office }) })));
    }
    this.#speaker.value = one.speaker_id || "";
  }
}
