import { element, label } from "../../elements.js";
import { spokenTime } from "../lanes.js";
import { t } from "../../translate.js";

const LAYOUTS = { session: t("按接访时的画面"), grid: t("各方一样大"), speaker: t("谁说话谁大"), spotlight: t("突出一位") };

/** The line below the pictures: play, sound, where it is, who is large, full screen. */
export class Bar {
  #stage;
  #seconds;
  #play;
  #sound;
  #slider;
  #time;
  #layout;

  /**
   * @param {import("./stage.js").Stage} stage
   * @param {number} seconds of the whole recording
   * @param {(layout: string) => void} arrange
   */
  constructor(stage, seconds, arrange) {
    this.#stage = stage;
    this.#seconds = seconds;
    this.#play = element("button.button", { type: "button", on: { click: () => (stage.paused ? stage.play() : stage.pause()) } });
    this.#sound = element("button.button.button-second", { type: "button", on: { click: () => (stage.muted = !stage.muted) } });
    this.#slider = element("input.track-slider", { type: "range", min: 0, max: Math.max(1, Math.ceil(seconds)), step: 1, value: 0, "aria-label": t("播放位置"), on: { input: () => (stage.currentTime = Number(this.#slider.value)) } });
    this.#time = element("span.track-time", {});
    this.#layout = element("select.input", { id: "track-layout", on: { change: () => arrange(this.#layout.value) } },
      ...Object.entries(LAYOUTS).map(([value, text]) => element("option", { value, text })));
    const full = element("button.button.button-second", { type: "button", text: t("全屏"), on: { click: () => wide(stage) } });
    this.root = element("div.track-bar", {}, this.#play, this.#slider, this.#time, this.#sound,
      element("span.track-layout", {}, element("label", { for: "track-layout", text: t("版式") }), this.#layout), full);
    this.show(0, false, false);
    stage.addEventListener("volumechange", () => this.#showSound());
    this.#showSound();
  }

  /** @param {number} time @param {boolean} playing @param {boolean} waiting */
  show(time, playing, waiting) {
    label(this.#play, playing ? "pause" : "play", playing ? t("暂停") : t("播放"));
    const text = `${spelled(time)} / ${spelled(this.#seconds)}${waiting ? t(" 正在读取") : ""}`;
    if (this.#time.textContent !== text) this.#time.textContent = text;
    const place = String(Math.round(time));
    if (this.#slider.value === place && this.#slider.hasAttribute("aria-valuetext")) return;
    this.#slider.value = place;
    this.#slider.setAttribute("aria-valuetext", spokenTime(time));
  }

  showLayout(layout) {
    this.#layout.value = layout;
  }

  // Internal

  #showSound() {
    label(this.#sound, this.#stage.muted ? "microphone-off" : "microphone", this.#stage.muted ? t("已静音") : t("静音"));
    this.#sound.setAttribute("aria-pressed", String(this.#stage.muted));
  }
}

function wide(stage) {
  if (document.fullscreenElement) document.exitFullscreen();
  else stage.closest(".player").requestFullscreen?.().catch(() => {});
}

/** @returns {string} 1:02:03 or 2:03 */
function spelled(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}
