import { clearUntil, covers } from "./ranges.js";
import { t } from "../../translate.js";

/** Seconds that are fetched ahead of the moment that is shown, at single speed. */
const AHEAD = 20;
/** Seconds behind it that are kept at least. */
const BEHIND = 30;
const TRIES = 3;
const AGAIN = 1500;
/** Milliseconds for which a picture that was fetched is given time to be shown before more is fetched. */
const SHOWING = 1000;

/**
 * One track in one media element: asks the server for its pieces one after the other and hands them to the
 * browser's Media Source. Holds between BEHIND and AHEAD seconds, as far as key frames permit.
 */
export class Feed {
  #element;
  #track;
  #address;
  #piece;
  #head;
  #seconds;
  #source = null;
  #opening = null;
  #buffer = null;
  #url = "";
  #from = 0;
  #next = null;
  #unbroken = false;
  #busy = false;
  #abort = null;
  #round = 0;
  #failed = 0;
  #keys = [];
  #turns = [];
  #forgot = -1;
  #after = 0;
  #headAt = null;

  /**
   * @param {HTMLMediaElement} element
   * @param {{number: number, source: string, start: number, end: number}} track
   * @param {{address: string, piece: number, head: number, seconds: number}} place where pieces are, how long
   *   they last, and how much of the first one is fetched before its picture is shown
   */
  constructor(element, track, { address, piece, head, seconds }) {
    this.#element = element;
    this.#track = track;
    this.#address = address;
    this.#piece = piece;
    this.#head = head;
    this.#seconds = seconds;
    this.broken = "";
    /** Called when something was added. @type {() => void} */
    this.onfilled = () => {};
  }

  get element() {
    return this.#element;
  }

  get track() {
    return this.#track;
  }

  get source() {
    return this.#track.source;
  }

  /** Fetch what is needed around this moment. @param {number} time @param {number} rate */
  want(time, rate) {
    if (this.broken) return;
    const place = Math.max(0, Math.floor(time / this.#piece));
    if (this.#next === null || place < this.#from || place > this.#next || time < this.#forgot) this.#begin(place);
    this.#forget(time);
    if (this.#busy || this.#next > this.#last || this.#next * this.#piece > time + AHEAD * Math.max(1, rate)) return;
    if (this.#headAt !== null && this.#element.readyState < 2 && performance.now() - this.#headAt < SHOWING) return;
    this.#fetch(this.#next, this.#query(this.#next, time));
  }

  /** @returns {"ready"|"waiting"|"gap"|"broken"} what there is to be shown at this moment */
  state(time) {
    if (this.broken) return "broken";
    if (this.#buffer && covers(this.#element.buffered, time)) return "ready";
    if (time < this.#track.start - 1 || time > this.#track.end + 0.5) return "gap";
    if (this.#next === null) return "waiting";
    // What came late lies in the piece after.
    return this.#next > this.#last || this.#next > Math.floor(time / this.#piece) + 1 ? "gap" : "waiting";
  }

  /** Degrees by which the picture of this moment is turned. */
  turnAt(time) {
    let turned = 0;
    for (const [since, degrees] of this.#turns) if (since <= time + 0.05) turned = degrees;
    return turned;
  }

  /** Let go of the decoder and of all that was fetched. */
  sleep() {
    if (this.#next === null) return;
    this.#begin(null);
    this.#element.dataset.rests = "";
    this.#element.pause();
    this.#element.removeAttribute("src");
    this.#element.load();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#source = this.#opening = this.#buffer = null;
    this.#url = "";
  }

  // Internal

  get #last() {
    return Math.floor(Math.min(this.#track.end + 0.2, this.#seconds + 60) / this.#piece);
  }

  #begin(place) {
    this.#round += 1;
    this.#abort?.abort();
    this.#abort = null;
    this.#busy = false;
    // Before its first packet a track has nothing.
    const first = Math.floor(this.#track.start / this.#piece);
    this.#next = place === null ? null : Math.max(place, Math.min(first, this.#last));
    this.#from = place ?? 0;
    this.#unbroken = false;
    this.#after = 0;
    this.#headAt = null;
    this.#keys = [];
    this.#turns = [];
    this.#forgot = -1;
    if (this.#buffer && this.#source.readyState === "open") this.#clean();
  }

  #clean() {
    try {
      this.#buffer.abort();
      if (this.#element.buffered.length) this.#buffer.remove(0, Infinity);
    } catch {
      // It is just being taken apart; the next piece makes a new one.
    }
  }

  /** Of a picture first only what is soon shown, and then the rest: it is there sooner by what it waits less. */
  #query(number, time) {
    if (this.#after && this.#unbroken) return `?after=${this.#after}`;
    this.#after = 0;
    if (this.#unbroken) return "";
    const head = Math.floor(Math.max(time, this.#track.start) - number * this.#piece) + this.#head;
    const whole = this.#track.source === "microphone" || !(head > 0 && head < this.#piece);
    return whole ? "?lead=1" : `?lead=1&head=${head}`;
  }

  async #fetch(number, query) {
    const round = this.#round;
    this.#busy = true;
    try {
      this.#abort = new AbortController();
      this.#open(); // Which takes the browser a moment, while the piece is on its way.
      const answer = await fetch(`${this.#address}/${this.#track.number}/${number}${query}`, { signal: this.#abort.signal });
      if (!answer.ok) throw new Refused(answer.status);
      const told = JSON.parse(answer.headers.get("X-Piece"));
      const body = answer.status === 204 ? null : await answer.arrayBuffer();
      if (round !== this.#round) return;
      if (body && (told.begins || this.#unbroken)) await this.#add(told, body, round);
      if (round !== this.#round) return;
      this.#unbroken = body !== null && (told.begins || this.#unbroken);
      this.#after = this.#unbroken ? told.rest : 0;
      this.#headAt = this.#after ? performance.now() : null;
      this.#next = this.#after ? number : number + 1;
      this.#failed = 0;
      if (body) setTimeout(this.onfilled);
    } catch (error) {
      if (round === this.#round && error.name !== "AbortError") await this.#trouble(error, round);
    } finally {
      if (round === this.#round) this.#busy = false;
    }
  }

  async #trouble(error, round) {
    this.#failed += 1;
    const final = error instanceof Refused && [401, 403, 404].includes(error.status);
    if (final || this.#failed >= TRIES) this.broken = final ? t("不能再播放，请刷新页面") : t("这一路读不出来");
    else await new Promise((done) => setTimeout(done, AGAIN));
    if (round === this.#round) this.#unbroken = false;
  }

  async #add(told, body, round) {
    await this.#open();
    if (round !== this.#round) return;
    if (!this.#buffer) {
      this.#buffer = this.#source.addSourceBuffer(told.kind);
      this.#buffer.kind = told.kind;
    }
    await this.#settled();
    if (round !== this.#round) return;
    if (told.begins && this.#buffer.kind !== told.kind) {
      this.#buffer.changeType(told.kind);
      this.#buffer.kind = told.kind;
    }
    this.#buffer.appendBuffer(body);
    this.#keys.push(...told.keys);
    this.#turns.push(...told.turns);
    await this.#settled();
  }

  #open() {
    if (this.#opening || this.#source?.readyState === "open") return this.#opening;
    const source = new MediaSource();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = URL.createObjectURL(source);
    const opening = new Promise((done) => source.addEventListener("sourceopen", done, { once: true })).then(() => {
      if (this.#opening !== opening) return;
      source.duration = Math.max(this.#seconds, this.#track.end) + 60;
      this.#source = source;
      this.#buffer = this.#opening = null;
    });
    this.#opening = opening;
    this.#element.src = this.#url;
    return opening;
  }

  #settled() {
    const buffer = this.#buffer;
    if (!buffer.updating) return Promise.resolve();
    return new Promise((done, failed) => {
      buffer.addEventListener("updateend", done, { once: true });
      buffer.addEventListener("error", () => failed(new Error("the browser cannot read it")), { once: true });
    });
  }

  /** What is long past is let go of, up to a key frame: what follows could not be shown without it. */
  #forget(time) {
    const { buffered } = this.#element;
    if (!this.#buffer || this.#buffer.updating || this.#source.readyState !== "open" || !buffered.length) return;
    if (time - buffered.start(0) < 2 * BEHIND) return;
    const until = this.#track.source === "microphone" ? time - BEHIND : clearUntil(this.#keys, time - BEHIND);
    if (until === null || until <= buffered.start(0) + 1) return;
    this.#buffer.remove(0, until);
    this.#forgot = until;
    this.#keys = this.#keys.filter((key) => key >= until - 0.001);
  }
}

class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}
