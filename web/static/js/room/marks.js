import { elapsed } from "../clock.js";
import { element, setText } from "../elements.js";
import { KINDS, said, shown } from "./mark_keys.js";
import { t } from "../translate.js";

export const WORDS = { key: t("重点"), promise: t("承诺"), dispute: t("争议"), care: t("需要关怀") };

/** 标记: a button and a key for each kind of moment, and the list; what is taken back stays in it. */
export class MarksPanel {
  #part;
  #call;
  #announcer;
  #marks = [];
  #keys;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   * @param {import("./mark_keys.js").MarkKeys} keys
   */
  constructor(part, call, announcer, keys) {
    this.#keys = keys;
    this.#part = part;
    this.#call = call;
    this.#announcer = announcer;
    part("mark_buttons").append(...KINDS.map((kind) =>
      element("button.button.button-second.mark-button", { type: "button", on: { click: () => this.#set(kind) } },
        element("span", { text: WORDS[kind] }), element("kbd", { "aria-hidden": "true" }))));
    this.paintKeys();
    call.on("marks", ({ marks }) => {
      this.#marks = marks;
      this.#paint();
    });
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  update() {
    document.getElementById("tab-marks").hidden = !this.#call.may("mark");
    const open = this.#open;
    for (const button of this.#part("mark_buttons").children) button.disabled = !open;
    setText(this.#part("mark_hint"), open ? t("标记只说明这一刻，不评价人；信访人看不到。") : t("接访进行中、不在合议时可以标记。"));
  }

  /** The keys stand on the buttons, also after somebody chose others. */
  paintKeys() {
    [...this.#part("mark_buttons").children].forEach((button, at) => {
      const combo = this.#keys.of(KINDS[at]);
      button.setAttribute("aria-keyshortcuts", said(combo));
      setText(button.lastChild, shown(combo));
    });
  }

  // Internal

  get #open() {
    const { room } = this.#call;
    return Boolean(room && room.state === "live" && !room.deliberation && this.#call.may("mark"));
  }

  #key(event) {
    const kind = this.#keys.kindOf(event);
    if (!kind || !this.#open || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (!event.repeat) this.#set(kind);
  }

  async #set(kind) {
    const input = this.#part("mark_note");
    const note = input.value.trim();
    if (!await this.#call.command("mark", { mark: kind, note })) return;
    if (input.value.trim() === note) input.value = "";
    this.#announcer.say(t("已标记：{0}", WORDS[kind]));
  }

  #paint() {
    this.#part("mark_empty").hidden = this.#marks.length > 0;
    this.#part("mark_lines").replaceChildren(...[...this.#marks].reverse().map((mark) => this.#line(mark)));
  }

  #line(mark) {
    const began = Date.parse(this.#call.room?.opened_at || mark.at);
    const mine = mark.by === this.#call.me || this.#call.may("mute");
    const gone = mark.withdrawn_by !== null;
    return element(`li.mark${gone ? ".is-withdrawn" : ""}`, { "data-mark": mark.mark },
      element("p.mark-head", {},
        element("strong", { text: WORDS[mark.mark] }),
        element("span", { text: ` ${elapsed(Date.parse(mark.at) - began)} · ${mark.name}` })),
      mark.note ? element("p.mark-note", { text: mark.note }) : null,
      gone ? element("p.mark-note", { text: t("已撤回（{0}），记录保留", mark.withdrawn_by) }) : null,
      !gone && mine ? element("button.button.button-second.is-small", { type: "button", "aria-label": t("撤回标记：{0}", WORDS[mark.mark]), text: t("撤回"), on: { click: () => this.#call.command("withdraw_mark", { mark_id: mark.id }) } }) : null);
  }
}
