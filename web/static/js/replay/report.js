import { Played, spelled } from "./played.js";
import { t } from "../translate.js";

const EVERY = 15_000;
/** Without its log nothing is played on: after so many reports that did not arrive the film is paused. */
const PATIENCE = 3;

/**
 * Tells the server which stretches were played, every 15 seconds and on leaving.
 */
export class Report {
  #url;
  #token;
  #trouble;
  #played = new Played();
  #failed = 0;
  #sending = false;

  /**
   * @param {string} url
   * @param {string} token form token
   * @param {(text: string) => void} trouble shows a sentence; empty takes it away
   */
  constructor(url, token, trouble) {
    this.#url = url;
    this.#token = token;
    this.#trouble = trouble;
    // Media events do not bubble, but they are seen on their way down; also of players that come later.
    for (const kind of ["timeupdate", "playing", "pause", "ended"]) document.addEventListener(kind, () => this.#tick(), true);
    // A part of several that is brought to their common clock goes nowhere.
    document.addEventListener("seeking", (event) => event.target.dataset?.part === undefined && this.#played.jump(), true);
    document.addEventListener("play", () => this.#refuse(), true);
    document.addEventListener("visibilitychange", () => document.hidden && this.#leave());
    addEventListener("pagehide", () => this.#leave());
    setInterval(() => this.#send(), EVERY);
  }

  // Internal

  #tick() {
    this.#played.tick(presentSecond(), isPlaying());
  }

  async #send() {
    if (this.#sending) return;
    const spans = this.#played.take();
    if (spans.length === 0) return;
    this.#sending = true;
    const arrived = await this.#post(spans, false);
    this.#sending = false;
    this.#failed = arrived ? 0 : this.#failed + 1;
    if (arrived) this.#trouble("");
    else this.#played.putBack(spans);
    this.#refuse();
  }

  #leave() {
    const spans = this.#played.take();
    if (spans.length > 0) this.#post(spans, true).then((arrived) => arrived || this.#played.putBack(spans));
  }

  async #post(spans, keepalive) {
    const headers = { "X-CSRF-Token": this.#token, Accept: "application/json" };
    const body = new URLSearchParams({ ranges: spelled(spans) });
    try {
      return (await fetch(this.#url, { method: "POST", headers, body, keepalive, signal: AbortSignal.timeout(10_000) })).ok;
    } catch {
      return false;
    }
  }

  #refuse() {
    if (this.#failed < PATIENCE) return;
    for (const film of films()) film.pause();
    this.#trouble(t("播放记录送不到服务器，播放已暂停。请检查网络，恢复后再播放；登录过期时请重新登录。"));
  }
}

/** A player of several parts says so itself: they may all have nothing to play for a while. */
function isPlaying() {
  const parts = document.querySelector("[data-player] [data-part]");
  return parts ? parts.closest("[data-player]").dataset.playing !== undefined : films().some((film) => !film.paused && !film.ended);
}

function films() {
  return [...document.querySelectorAll("video, audio")];
}

/** @returns {number} second of the whole recording that is shown; the player writes it, else the first film has it */
export function presentSecond() {
  const told = document.querySelector("[data-player]")?.dataset.seconds;
  return told === undefined || told === "" ? document.querySelector("video")?.currentTime ?? NaN : Number(told);
}
