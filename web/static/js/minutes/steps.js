import { element, setText } from "../elements.js";
import { t } from "../translate.js";

/** What comes next, by the state of the sheet; signing and its end have a page of their own. */
const NEXT = {
  drafting: [["read_back", t("记录完毕，交信访人核对")]],
  read_back: [["drafting", t("退回继续记录")], ["signing", t("核对完毕，开始签字")]],
};

/**
 * @param {{state: string, open_objections: number, unsigned: string[]}} view
 * @returns {string} how the minutes stand, in a sentence
 */
export function standing({ state, open_objections: open, unsigned }) {
  if (state === "drafting") return t("记录中，信访人还没有核对。");
  if (state === "read_back") return open ? t("信访人有 {0} 条意见还没有答复。", open) : t("请信访人核对；没有未答复的意见。");
  if (state === "signing") return unsigned.length ? t("等待签字：{0}。", unsigned.join("、")) : t("等待主持人签字定稿。");
  return t("笔录已经定稿，不能再改。");
}

/**
 * @param {{state: string, writable: boolean, open_objections: number}} view
 * @param {boolean} unsent is something of this page not saved yet
 * @returns {[string, string][]} the steps that are open: state and words of the button
 */
export function stepsOf({ state, writable, open_objections: open }, unsent) {
  if (!writable) return [];
  return (NEXT[state] || []).filter(([to]) => to !== "signing" || (!open && !unsent));
}

/** In the room: how the minutes stand, the next step, and the way to objections and signatures. */
export class Steps {
  #words = element("p.minutes-standing");
  #buttons = element("div.minutes-next");
  #link;
  #move;
  #announcer;
  #open = 0;
  #shown = "";
  node = element("div.minutes-steps", { hidden: true });

  /**
   * @param {string} address of the page with objections and signatures
   * @param {(state: string) => void} move
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(address, move, announcer) {
    this.#move = move;
    this.#announcer = announcer;
    this.#link = element("a.button.button-second.is-small", { href: address, target: "_blank", rel: "noopener" },
      element("span", { text: t("意见和签字") }), element("span.visually-hidden", { text: t("（在新窗口打开）") }));
    this.node.append(this.#words, this.#buttons);
  }

  /** @param {object|null} view @param {boolean} unsent */
  update(view, unsent) {
    this.node.hidden = !view;
    if (!view) return;
    setText(this.#words, standing(view));
    this.#words.classList.toggle("is-bad", view.open_objections > 0);
    if (view.open_objections > this.#open) this.#announcer.say(standing(view), { topic: "objections" });
    this.#open = view.open_objections;
    const steps = stepsOf(view, unsent);
    const shown = `${view.state} ${steps.map(([to]) => to)}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#link.hidden = view.state === "drafting";
    this.#buttons.replaceChildren(...steps.map(([to, text]) => element(to === "drafting" ? "button.button.button-second.is-small" : "button.button.is-small", { type: "button", text, "data-step": to, on: { click: () => this.#move(to) } })), this.#link);
  }
}
