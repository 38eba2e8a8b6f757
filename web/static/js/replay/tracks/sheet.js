import { element, setText } from "../../elements.js";
import { Papers, UNITS } from "./papers.js";
import { t } from "../../translate.js";

/** Pictures that are kept, the present one among them. */
const KEPT = 6;
/** Seconds before a page comes up at which its picture is fetched. */
const AHEAD = 15;
const SVG = "http://www.w3.org/2000/svg";

/** The page that was up at this second, with the lines that were on it; a tile of the stage as a party's is. */
export class SheetTile {
  key = "exhibit";
  document = true;
  feeds = [];
  #papers;
  #pictures = new Map();
  #shown = null;
  #lines = null;
  #strokes = document.createElementNS(SVG, "svg");
  #sheet = element("div.sheet-page", {});
  #view = element("div.sheet-view", { tabindex: "0", role: "img" }, this.#sheet);
  #words = element("span", {});
  #card = element("div.track-card", {}, this.#words);
  #name = element("span.track-name", {});
  #close;

  /** @param {object} data of web/replay/exhibits.py @param {(key: string) => void} enlarge */
  constructor(data, enlarge) {
    this.#papers = new Papers(data);
    this.#strokes.setAttribute("viewBox", `0 0 ${UNITS} ${UNITS}`);
    this.#strokes.setAttribute("preserveAspectRatio", "none");
    this.#strokes.setAttribute("class", "sheet-strokes");
    this.button = element("button.button.button-second.track-large", { type: "button", "aria-pressed": "false", "aria-label": t("放大：出示的材料"), text: t("放大"), on: { click: () => enlarge(this.key) } });
    this.#close = element("button.button.button-second", { type: "button", "aria-pressed": "false", text: t("细看"), "aria-label": t("细看材料，可以滚动"), on: { click: () => this.lookClosely() } });
    this.root = element("div.track.track-sheet", { role: "group", "aria-label": t("出示的材料"), "data-key": this.key, hidden: true },
      element("div.track-frame", { "data-marked": true }, this.#view, this.#card),
      element("div.track-foot", {}, this.#name, element("div.track-acts", {}, this.#close, this.button)));
  }

  /** @param {boolean} large */
  enlarge(large) {
    this.root.classList.toggle("is-large", large);
    this.button.setAttribute("aria-pressed", String(large));
    setText(this.button, large ? t("还原") : t("放大"));
  }

  /** Twice as large, to be scrolled; and back. */
  lookClosely() {
    const close = this.root.classList.toggle("is-close");
    this.#close.setAttribute("aria-pressed", String(close));
  }

  /** Show what was up at this second. @returns {boolean} whether its picture is still waited for */
  paint(time) {
    const up = this.#papers.at(time);
    if (this.root.hidden !== !up) this.root.hidden = !up;
    const next = this.#papers.coming(time, AHEAD);
    if (next !== null) this.#fetch(next);
    if (!up) return false;
    if (this.#shown !== up.sheet) this.#show(up);
    this.#draw(up.sheet, time);
    const { missing } = this.#papers.sheets[up.sheet];
    const state = missing ? "failed" : this.#fetch(up.sheet).dataset.state;
    const words = missing ? t("没有保存下来：{0}", missing) : state === "failed" ? t("这一页读不出来") : t("正在读取");
    if (this.#card.hidden !== (state === "ready")) this.#card.hidden = state === "ready";
    if (state !== "ready") setText(this.#words, words);
    return state === "waiting";
  }

  // Internal

  #show({ sheet, who }) {
    this.#shown = sheet;
    this.#lines = null;
    // One that could not be read is asked for again when its page comes up again.
    if (this.#pictures.get(sheet)?.dataset.state === "failed") this.#pictures.delete(sheet);
    const { name, page, pages, missing } = this.#papers.sheets[sheet];
    const words = t("{0}，第 {1} 页，共 {2} 页", name, page, pages);
    setText(this.#name, who ? t("{0}出示：{1}", who, words) : words);
    this.#view.setAttribute("aria-label", words);
    this.#view.scrollTo(0, 0);
    this.#sheet.replaceChildren(...(missing ? [] : [this.#fetch(sheet), this.#strokes]));
    this.#fit();
  }

  /** Its picture, fetched if it is not kept; the one that was not wanted for longest goes. */
  #fetch(sheet) {
    const { picture, missing } = this.#papers.sheets[sheet];
    const kept = this.#pictures.get(sheet);
    this.#pictures.delete(sheet);
    const image = kept || element("img", { alt: "", draggable: "false", "data-state": "waiting" });
    this.#pictures.set(sheet, image);
    if (this.#pictures.size > KEPT) this.#pictures.delete(this.#pictures.keys().next().value);
    if (image === kept || missing) return image;
    image.addEventListener("load", () => this.#came(sheet, image));
    image.addEventListener("error", () => (image.dataset.state = "failed"));
    image.src = picture;
    return image;
  }

  #came(sheet, image) {
    image.dataset.state = "ready";
    if (this.#shown === sheet) this.#fit();
  }

  /** The sheet is exactly as large as the page is shown, so that a line lies where it was drawn. */
  #fit() {
    const image = this.#sheet.querySelector("img");
    const share = image && image.naturalHeight ? image.naturalWidth / image.naturalHeight : 1;
    this.#sheet.style.setProperty("--share", String(share));
  }

  #draw(sheet, time) {
    const lines = this.#papers.drawn(sheet, time);
    const same = this.#lines && lines.length === this.#lines.length && lines.every((line, place) => line === this.#lines[place]);
    if (same) return;
    this.#lines = lines;
    this.#strokes.replaceChildren(...lines.map((points) => {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("points", points.join(" "));
      return line;
    }));
  }
}
