import { element, setText } from "../elements.js";
import { t } from "../translate.js";

/** What is true of one participant at a moment. No DOM. */
export class Moments {
  #spans;

  /** @param {[number, number, string][]} spans start and end in seconds, words; in order of their start */
  constructor(spans) {
    this.#spans = spans;
  }

  /** @param {number} time seconds @returns {string} everything that is so, 发言，网络较差：上行丢包 12 % */
  at(time) {
    const found = this.#spans.filter(([start, end]) => start <= time && time < end).map(([, , words]) => words);
    return [...new Set(found)].join("，");
  }
}

/** @param {number} seconds @returns {string} as read aloud: 1 小时 2 分 3 秒 */
export function spokenTime(seconds) {
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 3600), t("小时")], [Math.floor(whole / 60) % 60, t("分")], [whole % 60, t("秒")]];
  return parts.filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(" ") || t("0 秒");
}

/**
 * Lanes of speech and network: a line marks the moment that is shown, a click or the slider goes to another,
 * and beside each name stands what is so at that moment.
 */
export class Lanes {
  #film;
  #player;
  #duration;
  #lanes;
  #cursors;
  #slider;

  /**
   * @param {import("./player.js").Player} player
   * @param {HTMLElement} area with a .lane-track for each lane
   * @param {[number, number, string][][]} words for each [data-lane], in order
   */
  constructor(player, area, words) {
    this.#player = player;
    this.#film = player.film;
    this.#duration = Number(area.dataset.duration);
    this.#lanes = [...area.querySelectorAll("[data-lane]")].map((lane, place) => ({
      name: lane.querySelector("strong").textContent,
      now: lane.querySelector("[data-now]"),
      moments: new Moments(words[place] || []),
    }));
    this.#slider = this.#makeSlider();
    area.before(this.#slider);
    const tracks = [...area.querySelectorAll(".lane-track")];
    this.#cursors = tracks.map((track) => track.appendChild(makeCursor(track)));
    area.dataset.seeks = "";
    for (const track of tracks) track.addEventListener("click", (event) => this.#trackClicked(event, track));
    for (const kind of ["timeupdate", "seeked", "seeking"]) this.#film.addEventListener(kind, () => this.#show());
    this.#show();
  }

  // Internal

  #makeSlider() {
    return element("input.lane-slider", {
      type: "range", min: 0, max: Math.ceil(this.#duration), step: 1, "aria-label": t("时间轴"),
      on: { input: () => this.#player.seek(Number(this.#slider.value)) },
    });
  }

  #trackClicked(event, track) {
    const box = track.getBoundingClientRect();
    this.#player.seek(((event.clientX - box.left) / box.width) * this.#duration);
  }

  #show() {
    const time = this.#film.currentTime;
    for (const cursor of this.#cursors) {
      const x = Math.min(1, time / this.#duration) * cursor.ownerSVGElement.viewBox.baseVal.width;
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, x);
    }
    this.#slider.value = Math.round(time);
    const told = this.#lanes.map(({ name, now, moments }) => {
      const words = moments.at(time);
      setText(now, words);
      return words && `${name}${words}`;
    });
    this.#slider.setAttribute("aria-valuetext", [spokenTime(time), ...told.filter(Boolean)].join("，"));
  }
}

/** The line in a lane at the moment that is shown. */
function makeCursor(track) {
  const line = document.createElementNS(track.namespaceURI, "line");
  line.setAttribute("class", "lane-cursor");
  line.setAttribute("y1", 0);
  line.setAttribute("y2", track.viewBox.baseVal.height);
  return line;
}
