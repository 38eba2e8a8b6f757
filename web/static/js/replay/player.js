import { element } from "../elements.js";
import { formatTime, parseTime, Timeline } from "./timeline.js";

const SPEEDS = [0.5, 1, 1.5, 2];
const JUMP = 15;

/**
 * Replay: events seek, the current one is marked and kept in view, keys work while the focus is in the
 * player or the list, and the address of each moment can be copied.
 */
export class Player {
  #video;
  #events;
  #timeline;
  #current = -1;
  #speeds = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement|null} list with links [data-seek] in order
   */
  constructor(video, list) {
    this.#video = video;
    this.#events = list ? [...list.querySelectorAll("[data-seek]")] : [];
    this.#timeline = new Timeline(this.#events.map((event) => Number(event.dataset.seek)));
    video.closest(".player").after(this.#toolbar());
    video.addEventListener("timeupdate", () => this.#mark());
    video.addEventListener("seeked", () => this.#mark());
    for (const area of [video.closest(".player"), list].filter(Boolean)) area.addEventListener("keydown", (event) => this.#key(event));
    for (const event of this.#events) event.addEventListener("click", (click) => this.#eventClicked(click, event));
    this.#start(startTime());
  }

  // Internal

  #toolbar() {
    this.#speeds = SPEEDS.map((speed) => element("button.button.button-second", { type: "button", "aria-pressed": String(speed === 1), text: `${speed} 倍`, on: { click: () => this.#setSpeed(speed) } }));
    const copy = element("button.button.button-second", { type: "button", text: "复制此刻的链接", on: { click: () => this.#copyLink(copy) } });
    return element("div.replay-tools", {},
      element("div.row", { role: "group", "aria-label": "播放速度" }, ...this.#speeds, copy),
      element("p.field-hint", { text: "按键：空格 播放或暂停，← → 前后 15 秒，↑ ↓ 上一个或下一个事件，F 全屏。" }));
  }

  #setSpeed(speed) {
    this.#video.playbackRate = speed;
    this.#speeds.forEach((button, place) => button.setAttribute("aria-pressed", String(SPEEDS[place] === speed)));
  }

  async #copyLink(button) {
    const url = new URL(location.href);
    url.searchParams.set("t", formatTime(this.#video.currentTime));
    url.hash = "";
    try {
      await navigator.clipboard.writeText(url.href);
      button.textContent = "已复制";
    } catch {
      history.replaceState(null, "", url); // No clipboard without HTTPS: the address bar has it.
      button.textContent = "已写入地址栏";
    }
    setTimeout(() => (button.textContent = "复制此刻的链接"), 3000);
  }

  #eventClicked(click, event) {
    click.preventDefault();
    this.#seek(Number(event.dataset.seek));
    this.#video.play().catch(() => {});
  }

  #seek(time) {
    const end = Number.isFinite(this.#video.duration) ? this.#video.duration : Infinity;
    this.#video.currentTime = Math.min(Math.max(0, time), end);
  }

  #start(time) {
    if (time === null) return;
    if (this.#video.readyState > 0) this.#seek(time);
    else this.#video.addEventListener("loadedmetadata", () => this.#seek(time), { once: true });
  }

  #mark() {
    const current = this.#timeline.at(this.#video.currentTime);
    if (current === this.#current) return;
    if (this.#current >= 0) this.#events[this.#current].removeAttribute("aria-current");
    this.#current = current;
    if (current < 0) return;
    this.#events[current].setAttribute("aria-current", "true");
    keepInView(this.#events[current]);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = {
      " ": () => this.#toggle(),
      ArrowLeft: () => this.#seek(this.#video.currentTime - JUMP),
      ArrowRight: () => this.#seek(this.#video.currentTime + JUMP),
      ArrowUp: () => this.#beside(-1),
      ArrowDown: () => this.#beside(1),
      f: () => this.#fullScreen(),
      F: () => this.#fullScreen(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #toggle() {
    if (this.#video.paused) this.#video.play().catch(() => {});
    else this.#video.pause();
  }

  #beside(step) {
    const time = this.#timeline.beside(this.#video.currentTime, step);
    if (time !== null) this.#seek(time);
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.#video.requestFullscreen) this.#video.requestFullscreen().catch(() => {});
  }
}

/** `?t=1m15s` or `#t=75` in the address. */
function startTime() {
  const asked = new URLSearchParams(location.search).get("t") || (/^#t=(.+)$/.exec(location.hash) || [])[1];
  return asked ? parseTime(asked) : null;
}

/** Scroll the list only, never the page. */
function keepInView(event) {
  const list = event.parentElement;
  const top = event.offsetTop - list.offsetTop;
  if (top < list.scrollTop || top + event.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = top - list.clientHeight / 3;
  }
}
