import { readBoot } from "../boot.js";
import { element, setText } from "../elements.js";
import { addressOf, keepCopy } from "./choose.js";
import { Pointer, Strokes } from "./marks.js";
import { t } from "../translate.js";

/**
 * The page of a material that everybody looks at, large and before the tiles. Fetched when something is shown;
 * from then on it follows the room by itself.
 */
export class ExhibitStage {
  #container;
  #call;
  #address;
  #shown = null;
  #failed = 0;
  #words = element("span.document-words");
  #page = element("img.exhibit-page", { alt: "", draggable: "false", on: { load: () => this.#fit(), error: () => this.#again() } });
  #sheet = element("div.exhibit-sheet", {}, this.#page);
  #picture = element("div.document-picture.exhibit-picture", { tabindex: "0", role: "group", "aria-label": t("出示的材料") }, this.#sheet);
  #strokes = new Strokes(this.#sheet, (points) => this.#call.command("material.draw", { points }));
  #pointer = new Pointer(this.#sheet, (x, y) => this.#point(x, y));
  #acts = {
    back: this.#act(t("上一页"), () => this.#turn(-1)),
    next: this.#act(t("下一页"), () => this.#turn(1)),
    zoom: this.#act(t("放大"), () => this.#zoom()),
    point: this.#act(t("指示"), () => this.#mode("point")),
    draw: this.#act(t("批注"), () => this.#mode("draw")),
    undo: this.#act(t("撤回一笔"), () => this.#call.command("material.wipe", { everything: false })),
    keep: this.#act(t("保存批注"), () => this.#keep()),
    hide: this.#act(t("收起"), () => this.#call.command("material.hide")),
  };
  #root = element("figure.document.exhibit", {}, this.#picture,
    element("figcaption.document-caption", {}, this.#words, ...Object.values(this.#acts)));
  #told;

  /**
   * @param {HTMLElement} container the stage with its tiles
   * @param {import("../media/call.js").Call} call
   * @param {string} address of the session's materials
   * @param {(words: string) => void} told hears what came, turned or went
   */
  constructor(container, call, address, told) {
    this.#container = container;
    this.#call = call;
    this.#address = address;
    this.#told = told;
    for (const [name, node] of Object.entries(this.#acts)) node.dataset.action = `exhibit-${name}`;
    this.#acts.zoom.setAttribute("aria-pressed", "false");
    call.client.on("material.strokes", (push) => this.#hear(push));
    call.client.on("material.pointer", ({ by, x, y }) => this.#pointer.show(by, x, y));
    call.on("changed", () => this.update());
    new ResizeObserver(() => this.#fit()).observe(this.#picture);
    this.update();
  }

  /** Paint what the room shows. */
  update() {
    const shown = this.#call.room?.exhibit || null;
    const before = this.#shown;
    this.#shown = shown;
    if (!shown) return before ? this.#clear() : undefined;
    if (!before || before.material_id !== shown.material_id || before.page !== shown.page) this.#open(shown, before);
    this.#paint(shown);
    return undefined;
  }

  // Internal

  #act(text, run) {
    return element("button.document-act", { type: "button", text, on: { click: run } });
  }

  #open(shown, before) {
    this.#failed = 0;
    this.#strokes.paint([]);
    this.#load();
    this.#page.alt = t("{0}，第 {1} 页", shown.name, shown.page);
    if (!before || before.material_id !== shown.material_id) this.#call.client.request("material.fetch").catch(() => {});
    this.#told(t("{0}第 {1} 页", before ? "" : t("{0}出示材料，", this.#who(shown)), shown.page));
  }

  #load() {
    const { material_id: id, page } = this.#shown;
    this.#page.src = `${this.#address}/${id}/pages/${page}${this.#failed ? `?again=${this.#failed}` : ""}`;
  }

  /** A page that did not come is asked for again, a few times. */
  #again() {
    if (!this.#shown || this.#failed >= 5) return;
    this.#failed += 1;
    setTimeout(() => this.#shown && this.#load(), 1000 * this.#failed);
  }

  #who({ by }) {
    if (by === this.#call.me) return t("您正在");
    const person = this.#call.room.participants.find((entry) => entry.participant_id === by);
    return person ? `${person.organisation ? `${person.organisation} ` : ""}${person.name}` : "";
  }

  #paint(shown) {
    const mine = shown.by === this.#call.me;
    const official = this.#call.may("chat") && this.#call.may("share");
    setText(this.#words, t("{0} · 第 {1} 页，共 {2} 页", shown.name, shown.page, shown.pages));
    for (const name of ["back", "next"]) this.#acts[name].hidden = !(mine || official) || shown.pages < 2;
    for (const name of ["point", "draw"]) this.#acts[name].hidden = !(mine || official);
    this.#acts.back.disabled = shown.page <= 1;
    this.#acts.next.disabled = shown.page >= shown.pages;
    this.#acts.undo.hidden = !(mine || official) || this.#strokes.count === 0;
    this.#acts.keep.hidden = !official || this.#strokes.count === 0;
    this.#acts.hide.hidden = !mine && !this.#call.may("mute");
    if (!mine && !official) this.#mode(null);
    if (this.#root.parentElement !== this.#container) this.#container.prepend(this.#root);
    this.#container.classList.add("has-document");
    const count = Number(this.#container.dataset.count);
    this.#container.style.setProperty("--beside-columns", count >= 6 ? "2" : "1");
    this.#container.style.setProperty("--beside-rows", String(Math.ceil(count / (count >= 6 ? 2 : 1))));
  }

  #clear() {
    this.#root.remove();
    this.#mode(null);
    this.#pointer.clear();
    if (!this.#container.querySelector(".document")) this.#container.classList.remove("has-document");
    this.#told(t("材料已收起"));
  }

  #hear({ material_id: id, page, strokes }) {
    const shown = this.#call.room?.exhibit;
    if (!shown || shown.material_id !== id) return;
    const late = shown.page !== page;
    this.#strokes.paint(late ? [] : strokes);
    if (late) setTimeout(() => this.#call.client.request("material.fetch").catch(() => {}), 200);
    if (this.#shown) this.#paint(this.#shown);
  }

  /** Others hear of it from the server, the own window for the hall from here. */
  #point(x, y) {
    this.#call.client.request("material.point", { x, y }).catch(() => {});
    this.#call.emit("pointed", { by: this.#call.me, x, y });
  }

  #turn(step) {
    if (this.#shown) this.#call.command("material.turn", { page: this.#shown.page + step });
  }

  /** @param {"point"|"draw"|null} mode what a finger on the page does */
  #mode(mode) {
    const wanted = mode && this.#acts[mode].getAttribute("aria-pressed") === "true" ? null : mode;
    for (const name of ["point", "draw"]) this.#acts[name].setAttribute("aria-pressed", String(wanted === name));
    this.#pointer.active = wanted === "point";
    this.#strokes.active = wanted === "draw";
    this.#sheet.classList.toggle("is-active", Boolean(wanted));
  }

  #zoom() {
    const large = this.#root.classList.toggle("is-enlarged");
    this.#acts.zoom.setAttribute("aria-pressed", String(large));
    setText(this.#acts.zoom, large ? t("缩小") : t("放大"));
    this.#fit();
  }

  async #keep() {
    this.#told(await keepCopy(this.#address, this.#shown.material_id));
  }

  /** The sheet is as large as the page is shown, so that a place on it is the same place for everybody. */
  #fit() {
    const { naturalWidth: width, naturalHeight: height } = this.#page;
    if (!width) return;
    const room = this.#picture.getBoundingClientRect();
    const share = Math.min(room.width / width, room.height / height) * (this.#root.classList.contains("is-enlarged") ? 2 : 1);
    if (!(share > 0)) return;
    this.#sheet.style.width = `${Math.floor(width * share)}px`;
    this.#sheet.style.height = `${Math.floor(height * share)}px`;
  }
}

/** @param {import("../announcer.js").Announcer} announcer */
export function open(container, call, announcer) {
  return new ExhibitStage(container, call, addressOf(readBoot()), (words) => announcer.say(words, { topic: "document" }));
}
