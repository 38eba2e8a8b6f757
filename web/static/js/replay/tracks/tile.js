import { element, icon, setText } from "../../elements.js";
import { Feed } from "./feed.js";
import { t } from "../../translate.js";

/** Milliseconds for which everything else waits for the first picture. */
const ALONE = 1000;

/** The beginning of a stage: one picture first, as everything that is fetched beside it keeps it away. */
export class Opening {
  #builtAt = performance.now();
  #over = false;

  /** @param {Tile[]} tiles @param {number} time @returns {Tile|null} the one that is fetched before all others */
  alone(tiles, time) {
    if (this.#over || performance.now() - this.#builtAt > ALONE) return null;
    const shows = ({ track }) => track.start <= time && time <= track.end;
    const tile = tiles.find((each) => !each.document && each.feeds.some(shows));
    this.#over = !tile || tile.feeds.some((feed) => feed.state(time) === "ready" && feed.element.readyState >= 2);
    return this.#over ? null : tile;
  }
}

/** One place of the stage: a party's camera or document, its name, and what stands there without a picture. */
export class Tile {
  #feeds;
  #card;
  #words;
  #turned = "";

  /**
   * @param {{key: string, name: string, part: string, document: boolean}} who
   * @param {object[]} tracks the pictures, one after the other
   * @param {object} place of the pieces
   * @param {(key: string) => void} enlarge
   */
  constructor(who, tracks, place, enlarge) {
    this.key = who.key;
    this.document = who.document;
    this.awake = true;
    this.#feeds = tracks.map((track) => {
      const video = element("video", { "data-part": true, playsinline: true, muted: true, tabindex: "-1", "aria-hidden": "true", hidden: true });
      video.muted = true;
      return new Feed(video, track, place);
    });
    this.#words = element("span", {});
    this.#card = element("div.track-card", {}, element("strong", { text: who.name }), this.#words);
    this.button = element("button.button.button-second.track-large", { type: "button", "aria-pressed": "false", "aria-label": t("放大：{0}{1}", who.name, who.document ? t("的材料") : ""), text: t("放大"), on: { click: () => enlarge(who.key) } });
    const label = who.document ? t("{0}出示的材料", who.name) : [who.name, who.part].filter(Boolean).join(" · ");
    this.acts = element("div.track-acts", {}, this.button);
    this.frame = element("div.track-frame", { "data-marked": true }, ...this.#feeds.map((feed) => feed.element), this.#card);
    this.root = element("div.track", { role: "group", "aria-label": label, "data-key": who.key },
      this.frame,
      element("div.track-foot", {}, element("span.track-name", { text: label }), this.acts));
  }

  get feeds() {
    return this.#feeds;
  }

  /** @param {boolean} large */
  enlarge(large) {
    this.root.classList.toggle("is-large", large);
    this.button.setAttribute("aria-pressed", String(large));
    setText(this.button, large ? t("还原") : t("放大"));
  }

  /**
   * Show the picture of this moment, or say why there is none.
   * @param {Feed|null} feed the one that has it
   * @param {string} words why there is none
   * @param {number} time
   */
  show(feed, words, time) {
    for (const each of this.#feeds) if (each.element.hidden !== (each !== feed)) each.element.hidden = each !== feed;
    if (this.#card.hidden !== Boolean(feed)) this.#card.hidden = Boolean(feed);
    if (!feed) return setText(this.#words, words);
    const turned = `turn-${feed.turnAt(time)}`;
    if (turned === this.#turned) return undefined;
    this.#turned = turned;
    for (const each of this.#feeds) each.element.className = turned;
    return undefined;
  }
}

/** The button that takes one party's sound away or gives it back. */
export function soundButton(name, audio, told) {
  const button = element("button.button.button-second.track-sound", { type: "button" });
  const show = () => {
    button.replaceChildren(icon(audio.muted ? "microphone-off" : "microphone"), element("span", { text: audio.muted ? t("无声") : t("有声") }));
    button.setAttribute("aria-label", t("{0}的声音", name));
    button.setAttribute("aria-pressed", String(!audio.muted));
  };
  button.addEventListener("click", () => {
    audio.muted = !audio.muted;
    show();
    told();
  });
  show();
  return button;
}
