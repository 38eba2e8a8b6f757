import { element, setText } from "../elements.js";
import { Editor } from "./editor.js";
import { RoomLink } from "./links.js";
import { Sheet } from "./sheet.js";
import { Steps } from "./steps.js";
import { UnsentStore } from "./store.js";
import { t } from "../translate.js";

const TEMPLATES = { "": t("按接访性质自动选择"), single: t("单级接访笔录"), joint: t("多级联合接访笔录"), mediation: t("调解笔录"), follow_up: t("回访笔录") };
const LET = new Set(["joint_receptionist", "department"]);

/** The tab 笔录 of the reception console: begin, write, show to the petitioner, let colleagues write. */
class Panel {
  #area;
  #call;
  #link;
  #sheet;
  #begin;
  #host;
  #shown;
  #writers;
  #steps;

  constructor(area, boot, call, announcer) {
    this.#area = area;
    this.#call = call;
    this.#link = new RoomLink(call.client);
    this.#sheet = new Sheet(this.#link, new UnsentStore(boot.session.id, boot.display_name));
    this.#build(announcer, signingAddress(boot.ticket_url));
    this.#link.on("sheet", (view) => this.#sheet.load(view));
    this.#link.on("changed", (push) => this.#sheet.hear(push));
    this.#link.on("ready", () => this.#sheet.refresh());
    this.#sheet.on("changed", () => this.#paint());
    this.#sheet.on("state", () => this.#paint());
    call.client.on("rights", () => this.#sheet.refresh());
    this.#sheet.refresh();
  }

  // Internal

  #build(announcer, address) {
    const choice = element("select.input", { id: "minutes-template" }, ...Object.entries(TEMPLATES).map(([value, text]) => element("option", { value, text })));
    const start = element("button.button", { type: "button", text: t("开始记录"), on: { click: () => this.#do(this.#link.begin(choice.value)) } });
    this.#begin = element("div.minutes-begin", { hidden: true }, element("label", { for: "minutes-template", text: t("笔录模板") }), choice, start);
    this.#shown = element("input", { type: "checkbox", on: { change: () => this.#do(this.#link.show(this.#shown.checked)) } });
    this.#writers = element("div.minutes-writers");
    this.#host = element("details.minutes-host", { hidden: true }, element("summary", { text: t("同步显示和授权") }),
      element("label.check", {}, this.#shown, element("span", { text: t("信访人同步看到笔录（看不到备注和删除的内容）") })), this.#writers);
    const body = element("div.minutes-body");
    this.#steps = new Steps(address, (state) => this.#do(this.#link.move(state)), announcer);
    this.#area.replaceChildren(this.#begin, this.#steps.node, this.#host, body);
    new Editor(body, this.#sheet, announcer);
  }

  #paint() {
    const { view } = this.#sheet;
    this.#begin.hidden = Boolean(view) || !this.#call.may("read_minutes");
    this.#host.hidden = !view || !this.#call.may("show_minutes");
    this.#steps.update(view, this.#sheet.unsent);
    if (!view) return;
    this.#shown.checked = view.shown_live;
    const key = JSON.stringify(view.speakers);
    if (this.#writers.dataset.key === key) return;
    this.#writers.dataset.key = key;
    this.#writers.replaceChildren(...view.speakers.filter((one) => LET.has(one.role)).map((one) => this.#writer(one)));
  }

  #writer({ id, name, office, writes }) {
    const box = element("input", { type: "checkbox", on: { change: () => this.#do(this.#link.letWrite(id, box.checked)) } });
    box.checked = writes;
    return element("label.check", {}, box, element("span", { text: t("让{0}（{1}）一起记录", name, office) }));
  }

  async #do(request) {
    try {
      await request;
    } catch (error) {
      this.#call.emit("problem", error.message);
      this.#paint();
    }
  }
}

/** @returns {string} where this person reads objections and signs; who came by link has a page of the link's */
function signingAddress(ticket) {
  return ticket.startsWith("/sessions/") ? ticket.replace(/ticket$/, "minutes/signing") : ticket.replace(/ticket$/, "minutes");
}

/** Called when the tab is opened for the first time. */
export function open(area, boot, call, announcer) {
  setText(area, "");
  return new Panel(area, boot, call, announcer);
}
