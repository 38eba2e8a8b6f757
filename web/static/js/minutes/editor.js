import { timeOfDay } from "../clock.js";
import { element, setText } from "../elements.js";
import { Field, KINDS, speakerLabel } from "./field.js";
import { t } from "../translate.js";

const STATES = {
  saved: t("已保存"),
  saving: t("正在保存…"),
  offline: t("网络断开：写的内容先存在这台电脑上，恢复后自动上传"),
  refused: t("有一段没有保存，原因写在那一段下面"),
};

/** The minutes in two columns, questions left and answers right, written by keyboard. */
export class Editor {
  #area;
  #sheet;
  #announcer;
  #fields = new Map();
  #list;
  #state;
  #notice;
  #empty;

  /**
   * @param {HTMLElement} area
   * @param {import("./sheet.js").Sheet} sheet
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(area, sheet, announcer) {
    this.#area = area;
    this.#sheet = sheet;
    this.#announcer = announcer;
    this.#build();
    sheet.on("changed", () => this.paint());
    sheet.on("paragraph", (id) => this.#fields.get(id)?.follow(this.#sheet.find(id)));
    sheet.on("state", () => this.#paintState());
    sheet.on("met", (push) => this.#met(push));
    sheet.on("trouble", (words) => this.#tell(words));
    window.addEventListener("beforeunload", (event) => sheet.state === "refused" && event.preventDefault());
    this.paint();
  }

  paint() {
    const { view, paragraphs } = this.#sheet;
    const writing = this.#list.contains(document.activeElement) ? document.activeElement : null;
    this.#empty.hidden = Boolean(view);
    this.#list.hidden = !view;
    const seen = new Set(paragraphs.map((one) => one.id));
    for (const [id, field] of this.#fields) {
      if (seen.has(id)) continue;
      field.node.remove();
      this.#fields.delete(id);
    }
    let before = null;
    paragraphs.forEach((one, index) => {
      const field = this.#field(one.id);
      field.paint(one, index + 1, view?.speakers || [], this.#sheet.writable);
      const wanted = before ? before.nextSibling : this.#list.firstChild;
      if (wanted !== field.node) this.#list.insertBefore(field.node, wanted);
      before = field.node;
    });
    // A field that was moved has lost the focus, and what is being typed would go nowhere.
    if (writing?.isConnected && document.activeElement !== writing) writing.focus({ preventScroll: true });
    this.#grow();
    this.#area.classList.toggle("is-read-only", !this.#sheet.writable);
    for (const button of this.#area.querySelectorAll("[data-insert]")) button.disabled = !this.#sheet.writable;
    this.#paintState();
  }

  // Internal

  #build() {
    const add = (kind, keys) => element("button.button.button-second.is-small", { type: "button", "data-insert": kind, text: KINDS[kind], "aria-keyshortcuts": keys || null, on: { click: () => this.#insert(kind) } });
    this.#state = element("p.minutes-state");
    this.#notice = element("div.strip.is-notice", { hidden: true });
    this.#list = element("ol.minutes-list", { "aria-label": t("笔录段落") });
    this.#empty = element("p.panel-empty", { text: t("笔录还没有开始。") });
    const buttons = element("div.minutes-add", { role: "group", "aria-label": t("插入段落") }, add("question", "Alt+Q"), add("answer", "Alt+A"), add("statement"), add("heading"), add("note"));
    this.#area.replaceChildren(element("div.minutes-bar", {}, this.#state, buttons), this.#notice, this.#empty, this.#list,
      element("details.minutes-keys", {}, element("summary", { text: t("快捷键") }), element("dl", {},
        ...[["Alt+Q", t("在下面插入「问」")], ["Alt+A", t("在下面插入「答」")], ["Ctrl+Enter", t("写下一段：问后面是答，答后面是问")], ["Alt+R", t("换说话人：方向键选，回车回到正文")], ["Alt+↑ / Alt+↓", t("把这一段上移、下移")]]
          .flatMap(([key, words]) => [element("dt", {}, element("kbd", { text: key })), element("dd", { text: words })]))));
    new ResizeObserver(() => this.#grow()).observe(this.#list);
    this.#area.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("focusin", (event) => (this.#current = event.target.closest("[data-paragraph]")?.dataset.paragraph));
  }

  #current = null;

  #grow() {
    const width = this.#list.clientWidth;
    for (const field of this.#fields.values()) field.grow(width);
  }

  #field(id) {
    if (!this.#fields.has(id)) {
      this.#fields.set(id, new Field(id, {
        typed: (text) => this.#sheet.type(id, text),
        described: (kind, speaker) => this.#sheet.describe(id, kind, this.#speaker(speaker)),
        moved: (step) => this.#move(id, step),
        removed: () => this.#remove(id),
      }));
    }
    return this.#fields.get(id);
  }

  #speaker(id) {
    return (this.#sheet.view?.speakers || []).find((one) => one.id === id) || null;
  }

  #key(event) {
    if (event.isComposing || event.metaKey) return;
    const alt = event.altKey && !event.ctrlKey && !event.shiftKey;
    const act = alt ? { KeyQ: "question", KeyA: "answer", KeyR: "speaker", ArrowUp: -1, ArrowDown: 1 }[event.code] : null;
    const next = event.ctrlKey && !event.altKey && event.key === "Enter";
    if (!act && !next) return;
    event.preventDefault();
    if (next) this.#insert(this.#following());
    else if (act === "speaker") this.#fields.get(this.#current)?.chooseSpeaker();
    else if (typeof act === "string") this.#insert(act);
    else if (this.#current) this.#move(this.#current, act);
  }

  #following() {
    const here = this.#sheet.find(this.#current);
    return here?.kind === "question" ? "answer" : here?.kind === "answer" ? "question" : "statement";
  }

  /** Who spoke last in this part; else the petitioner answers and whoever writes asks. */
  #usualSpeaker(kind) {
    const last = this.#sheet.paragraphs.filter((one) => one.kind === kind && one.speaker_id).at(-1);
    if (last) return this.#speaker(last.speaker_id);
    const role = { question: "host", answer: "petitioner" }[kind];
    return (this.#sheet.view?.speakers || []).find((one) => one.role === role) || null;
  }

  /** With the caret nowhere: at the end of the questions and answers. */
  #usualPlace(order) {
    const spoken = order.findLastIndex((one) => one.kind === "question" || one.kind === "answer");
    const heading = order.findIndex((one) => one.kind === "heading" && one.text.trim() === t("问答"));
    return order[spoken >= 0 ? spoken : heading >= 0 ? heading : order.length - 1]?.id || null;
  }

  #insert(kind) {
    if (!this.#sheet.writable) return;
    const order = this.#sheet.paragraphs;
    const after = order.some((one) => one.id === this.#current) ? this.#current : this.#usualPlace(order);
    const id = this.#sheet.insert(after, kind, this.#usualSpeaker(kind));
    this.#fields.get(id).focus();
    const one = this.#sheet.find(id);
    this.#announcer.say(t("新的一段：{0} {1}", KINDS[kind], speakerLabel(one)));
  }

  #move(id, step) {
    if (!this.#sheet.writable || !this.#sheet.move(id, step)) return;
    this.#fields.get(id).focus();
    this.#announcer.say(step < 0 ? t("上移一段") : t("下移一段"));
  }

  #remove(id) {
    const order = this.#sheet.paragraphs;
    const at = order.findIndex((one) => one.id === id);
    this.#sheet.remove(id);
    this.#fields.get((order[at - 1] || order[at + 1])?.id)?.focus();
    this.#announcer.say(t("已删除一段，可在版本页找回"));
  }

  #paintState() {
    const { state, view, writable, unsent } = this.#sheet;
    const locked = { signing: t("签字中，不能修改"), locked: t("已定稿，不能修改") }[view?.state];
    const words = locked || (view && !writable && !unsent ? t("只读：请主持人授权后再写") : STATES[state]);
    if (this.#state.dataset.state === state && this.#state.dataset.words === words) return;
    Object.assign(this.#state.dataset, { state, words });
    // Saving goes on all the time: only what keeps from writing is told.
    if (words !== STATES.saved && words !== STATES.saving) this.#announcer.say(words, { topic: "minutes" });
    setText(this.#state, state === "saved" && !locked && writable ? `${words} ${timeOfDay(Date.now())}` : words);
  }

  #met({ paragraph, by, other, overlaps }) {
    const at = this.#sheet.paragraphs.findIndex((one) => one.id === paragraph.id) + 1;
    const pairs = overlaps.map(({ saved, typed }) => t("「{0}」和「{1}」", saved, typed)).join("、");
    this.#tell(t("{0}和{1}同时改了第 {2} 段的同一处，两种写法都保留了：{3}。请核对。", by, other, at, pairs));
  }

  #tell(words) {
    const close = element("button.button.button-second.is-small", { type: "button", text: t("知道了"), on: { click: () => (this.#notice.hidden = true) } });
    this.#notice.replaceChildren(element("p", { text: words }), close);
    this.#notice.hidden = false;
    this.#announcer.say(words);
  }
}
