import { element } from "../elements.js";
import { formatTime, parseTime } from "./timeline.js";
import { t } from "../translate.js";

const SPEEDS = [0.5, 1, 1.5, 2, 3];
const KEPT = "lianxin.replay.at";

/**
 * Replay: speeds, going to a moment from wherever the page names one, and the address of each moment.
 *
 * The element [data-player] holds the present second in `data-seconds`; a CustomEvent `lianxin:seek` on the
 * document with {detail: {seconds}} goes there.
 */
export class Player {
  #root;
  #speeds = [];
  #copy;

  /**
   * @param {HTMLVideoElement} film
   * @param {HTMLElement} root [data-player]
   * @param {number} duration seconds of the whole recording
   */
  constructor(film, root, duration) {
    this.film = film;
    this.duration = duration;
    this.#root = root;
    this.tools = this.#toolbar();
    root.append(this.tools);
    for (const kind of ["timeupdate", "seeking", "seeked"]) film.addEventListener(kind, () => this.#tell());
    film.addEventListener("ratechange", () => this.#showSpeed());
    document.addEventListener("lianxin:seek", (event) => this.#asked(event));
    document.addEventListener("click", (event) => this.#clicked(event));
    // A form of this page leads back to it: to the moment that was looked at.
    document.addEventListener("submit", () => keepPlace(film.currentTime));
    this.#start(startTime());
  }

  seek(time) {
    this.film.currentTime = Math.min(Math.max(0, time), Number.isFinite(this.film.duration) ? this.film.duration : Infinity);
  }

  play() {
    this.film.play().catch(() => {});
  }

  toggle() {
    if (this.film.paused) this.play();
    else this.film.pause();
  }

  mute() {
    this.film.muted = !this.film.muted;
  }

  /** @param {1|-1} step to the next faster or slower speed */
  faster(step) {
    const place = SPEEDS.indexOf(this.film.playbackRate);
    this.film.playbackRate = SPEEDS[Math.min(Math.max(0, (place < 0 ? 1 : place) + step), SPEEDS.length - 1)];
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    // Not the film alone: what stands over it, the viewer's name, goes along.
    else (this.film.closest(".player") || this.film).requestFullscreen?.().catch(() => {});
  }

  async copyLink() {
    const url = new URL(location.href);
    url.searchParams.set("t", formatTime(this.film.currentTime));
    url.hash = "";
    try {
      await navigator.clipboard.writeText(url.href);
      this.#copy.textContent = t("已复制");
    } catch {
      history.replaceState(null, "", url); // No clipboard without HTTPS: the address bar has it.
      this.#copy.textContent = t("已写入地址栏");
    }
    setTimeout(() => (this.#copy.textContent = t("复制此刻的链接")), 3000);
  }

  // Internal

  #toolbar() {
    this.#speeds = SPEEDS.map((speed) => element("button.button.button-second", { type: "button", "aria-pressed": String(speed === 1), text: t("{0} 倍", speed), on: { click: () => (this.film.playbackRate = speed) } }));
    this.#copy = element("button.button.button-second", { type: "button", text: t("复制此刻的链接"), on: { click: () => this.copyLink() } });
    return element("div.replay-tools", {},
      element("div.row", { role: "group", "aria-label": t("播放速度") }, ...this.#speeds),
      element("div.row.replay-acts", {}, this.#copy));
  }

  #showSpeed() {
    this.#speeds.forEach((button, place) => button.setAttribute("aria-pressed", String(SPEEDS[place] === this.film.playbackRate)));
  }

  #tell() {
    this.#root.dataset.seconds = this.film.currentTime.toFixed(2);
  }

  #asked(event) {
    const seconds = event.detail && event.detail.seconds;
    if (Number.isFinite(seconds)) this.seek(seconds);
  }

  #clicked(event) {
    const link = event.target.closest("[data-seek]");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.seek(Number(link.dataset.seek));
    this.play();
  }

  #start(time) {
    if (time === null) return;
    if (this.film.readyState > 0) this.seek(time);
    else this.film.addEventListener("loadedmetadata", () => this.seek(time), { once: true });
  }
}

/** `?t=1m15s` or `#t=75` in the address, or where the page was left for a form of its own. */
function startTime() {
  const left = takePlace();
  const asked = new URLSearchParams(location.search).get("t") || (/^#t=(.+)$/.exec(location.hash) || [])[1];
  return asked ? parseTime(asked) : left;
}

/** The next page of this address begins here. @param {number} seconds */
export function keepPlace(seconds) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, seconds]));
  } catch {
    // Without a store the film begins anew.
  }
}

function takePlace() {
  try {
    const [path, seconds] = JSON.parse(sessionStorage.getItem(KEPT)) || [];
    sessionStorage.removeItem(KEPT);
    return path === location.pathname && Number.isFinite(seconds) ? seconds : null;
  } catch {
    return null;
  }
}
