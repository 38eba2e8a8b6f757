import { timeOfDay } from "../clock.js";
import { element, setText } from "../elements.js";
import { t } from "../translate.js";

const KEPT = 200;

/** The officials' own talk; the petitioner never sees it. */
export class ChatPanel {
  #part;
  #call;
  #announcer;
  #unread = 0;
  #visible = () => true;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   * @param {() => boolean} visible whether the panel is in view
   */
  constructor(part, call, announcer, visible) {
    this.#part = part;
    this.#call = call;
    this.#announcer = announcer;
    this.#visible = visible;
    call.on("chat", (line) => this.#said(line));
    part("chat_form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  get unread() {
    return this.#unread;
  }

  seen() {
    this.#unread = 0;
    this.#paintUnread();
  }

  // Internal

  async #send() {
    const input = this.#part("chat_text");
    const text = input.value.trim();
    if (text && await this.#call.command("chat", { text })) input.value = "";
    input.focus();
  }

  #said({ from, name, text, at }) {
    const list = this.#part("chat_lines");
    const mine = from === this.#call.me;
    list.append(element(mine ? "li.line.is-mine" : "li.line", {},
      element("p.line-head", { text: `${mine ? t("我") : name} ${timeOfDay(Date.parse(at))}` }),
      element("p.line-text", { text })));
    while (list.children.length > KEPT) list.firstChild.remove();
    list.scrollTop = list.scrollHeight;
    this.#part("chat_empty").hidden = true;
    if (!mine && !this.#visible()) this.#unread += 1;
    if (!mine) this.#announcer.say(`${name}：${text}`);
    this.#paintUnread();
  }

  #paintUnread() {
    const node = this.#part("chat_unread");
    setText(node, this.#unread ? t("{0} 条未读", this.#unread) : "");
    node.hidden = this.#unread === 0;
  }
}
