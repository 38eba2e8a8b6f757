import { element } from "../../elements.js";
import { Bar } from "./bar.js";
import { Feed } from "./feed.js";
import { CommonClock, largeAt, steer, turnsOf } from "./ranges.js";
import { Opening, soundButton, Tile } from "./tile.js";
import { t } from "../../translate.js";

const EVERY = 50;
const TOLD_EVERY = 250;
/** Milliseconds after which something that is late is no longer waited for. */
const PATIENCE = 6000;
const ALIGNED_AFTER = 200;
/** So many pictures are decoded at once; who is not among them is shown when made large. */
const MOST_PICTURES = 9;

/**
 * All tracks of a recording on one clock. Towards the rest of the page it is what a film is: `currentTime`,
 * `play()`, `timeupdate` and so on; its events come from the element it is built in.
 */
export class Stage {
  #root;
  #data;
  #clock = new CommonClock();
  #tiles = [];
  #voices = [];
  #turns = [];
  #playing = false;
  #seeking = false;
  #muted = false;
  #waitingSince = null;
  #movedAt = 0;
  #toldAt = 0;
  #startedAt = null;
  #layout = "session";
  #chosen = "";
  #seen = new Set();
  #opening = new Opening();
  #grid;
  #bar;
  #paper = null;
  #steered = new WeakSet();

  /**
   * @param {HTMLElement} root
   * @param {object} data of web/replay/tracks.py
   * @param {number} time seconds, where it begins
   */
  constructor(root, data, time = 0) {
    this.#root = root;
    this.#data = data;
    this.#grid = element("div.track-grid", {});
    for (const party of data.parties) this.#place(party);
    this.#bar = new Bar(this, data.seconds, (layout) => this.#arrange(layout));
    root.append(this.#grid, this.#bar.root);
    const watch = new IntersectionObserver((entries) => this.#looked(entries));
    for (const tile of this.#tiles) watch.observe(tile.root);
    // Until the browser has said what is on the screen, which is after the page is drawn: the first ones are.
    this.#seen = new Set(this.#tiles.slice(0, MOST_PICTURES).map((tile) => tile.root));
    for (const feed of this.#feeds()) feed.onfilled = () => this.#tick();
    this.currentTime = time;
    setInterval(() => this.#tick(), EVERY);
    for (const media of root.querySelectorAll("video, audio")) media.addEventListener("pause", () => this.#stopped(media));
    root.addEventListener("loadeddata", () => this.#tick(), true);
  }

  // What a film has

  get currentTime() {
    return Math.min(this.#clock.time, this.duration);
  }

  set currentTime(seconds) {
    if (!Number.isFinite(seconds)) return;
    this.#clock.time = Math.min(Math.max(0, seconds), this.duration);
    this.#settle();
    this.#tell("seeking");
    this.#tick();
  }

  get duration() {
    return this.#data.seconds;
  }

  get playbackRate() {
    return this.#clock.rate;
  }

  set playbackRate(rate) {
    this.#clock.rate = rate;
    this.#tell("ratechange");
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = muted;
    for (const { feed, audio } of this.#voices) feed.element.muted = muted || audio.muted;
    this.#tell("volumechange");
  }

  get paused() {
    return !this.#playing;
  }

  get ended() {
    return this.#clock.time >= this.duration;
  }

  get seeking() {
    return this.#seeking;
  }

  get readyState() {
    return 4;
  }

  play() {
    if (this.ended) this.currentTime = 0;
    if (!this.#playing) {
      this.#playing = true;
      this.#settle();
      this.#tell("play");
      this.#tick();
    }
    return Promise.resolve();
  }

  pause() {
    if (!this.#playing) return;
    this.#playing = false;
    this.#turnClock(false);
    this.#tick();
    this.#tell("pause");
    this.#tell("timeupdate");
  }

  closest(selector) {
    return this.#root.closest(selector);
  }

  addEventListener(...args) {
    this.#root.addEventListener(...args);
  }

  removeEventListener(...args) {
    this.#root.removeEventListener(...args);
  }

  /** Who has the floor, for the layouts that follow it. @param {{name: string, spans: [number, number][]}[]} speeches */
  showSpeakers(speeches) {
    const byName = new Map(this.#data.parties.map(({ id, name }) => [name, `${id}-camera`]));
    this.#turns = turnsOf(speeches.map(({ name, spans }) => ({ key: byName.get(name) || "", spans })).filter(({ key }) => key));
  }

  /** Documents that were shown stand among the parties. @param {object} data of web/replay/exhibits.py */
  async showPapers(data) {
    if (!data.showings.length) return;
    const { SheetTile } = await import("./sheet.js");
    this.#paper = new SheetTile(data, (key) => this.#enlarge(key));
    this.#tiles.push(this.#paper);
    this.#grid.append(this.#paper.root);
    this.#tick();
  }

  /** The document twice as large, for a key. */
  lookClosely() {
    this.#paper?.lookClosely();
  }

  // For tests and for whoever looks why something stands still: seconds each track is off, and its state

  report() {
    const time = this.#clock.time;
    return this.#feeds().map((feed) => ({
      source: feed.source, state: feed.state(time), off: feed.element.currentTime - time,
      paused: feed.element.paused, muted: feed.element.muted,
    }));
  }

  // Internal

  #place({ id, name, part, tracks }) {
    const of = (source) => tracks.filter((track) => track.source === source);
    const [camera, screen, sound] = ["camera", "screen", "microphone"].map(of);
    const tile = new Tile({ key: `${id}-camera`, name, part, document: false }, camera, this.#data, (key) => this.#enlarge(key));
    tile.never = camera.length ? "" : t("只有声音，没有画面");
    tile.gaps = this.#data.gaps[id] || [];
    this.#tiles.push(tile);
    this.#grid.append(tile.root);
    for (const track of sound) {
      const media = element("audio", { "data-part": true });
      const feed = new Feed(media, track, this.#data);
      const audio = { muted: false };
      this.#voices.push({ feed, audio });
      tile.frame.append(media);
    }
    if (sound.length) {
      const mine = this.#voices.slice(-sound.length);
      const switched = { get muted() { return mine[0].audio.muted; }, set muted(value) { for (const each of mine) each.audio.muted = value; } };
      tile.acts.prepend(soundButton(name, switched, () => (this.muted = this.#muted)));
    }
    if (screen.length) {
      const paper = new Tile({ key: `${id}-screen`, name, part, document: true }, screen, this.#data, (key) => this.#enlarge(key));
      paper.gaps = [];
      paper.root.hidden = true;
      this.#tiles.push(paper);
      this.#grid.append(paper.root);
    }
  }

  #feeds() {
    return [...this.#tiles.flatMap((tile) => tile.feeds), ...this.#voices.map(({ feed }) => feed)];
  }

  #enlarge(key) {
    const already = this.#layout === "spotlight" && this.#chosen === key;
    this.#chosen = key;
    this.#arrange(already ? "session" : "spotlight");
  }

  /** The next party large, and all equal after the last; for a key. */
  enlargeNext() {
    const shown = this.#tiles.filter((tile) => !tile.root.hidden);
    const next = this.#layout === "spotlight" ? shown.findIndex((tile) => tile.key === this.#chosen) + 1 : 0;
    if (next >= shown.length) this.#arrange("session");
    else this.#arrange("spotlight", shown[next].key);
    return next >= shown.length ? t("按接访时的画面") : shown[next].root.getAttribute("aria-label");
  }

  #arrange(layout, chosen = this.#chosen) {
    this.#layout = layout;
    this.#chosen = layout === "spotlight" ? chosen || this.#tiles[0].key : chosen;
    this.#bar.showLayout(layout);
    this.#tick();
  }

  #looked(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
    }
    this.#tick();
  }

  #settle() {
    this.#seeking = true;
    this.#waitingSince = null;
    this.#movedAt = performance.now();
    this.#clock.run(false);
    this.#startedAt = null;
  }

  #tell(kind) {
    this.#root.dispatchEvent(new Event(kind));
  }

  /** Somebody else stopped a part, as the page does when it may not play on: then everything stands. */
  #stopped(media) {
    if (this.#playing && media.paused && media.dataset.rests === undefined && this.#clock.runs && !media.ended) this.pause();
  }

  #tick() {
    const time = this.#clock.time;
    if (this.#playing && time >= this.duration) {
      this.#clock.time = this.duration;
      this.pause();
      return this.#tell("ended");
    }
    const alone = this.#opening.alone(this.#tiles, time);
    const waits = [this.#showPictures(time, alone), ...this.#voices.map(({ feed }) => alone || this.#follow(feed, time, true) === "waiting")];
    const late = this.#late(waits.some(Boolean));
    if (this.#clock.runs !== (this.#playing && !late)) this.#turnClock(!this.#clock.runs);
    else if (this.#startedAt !== null && performance.now() - this.#startedAt > ALIGNED_AFTER) this.#align();
    this.#grid.classList.toggle("is-waiting", late && this.#playing);
    if (this.#seeking && !late) {
      this.#seeking = false;
      this.#tell("seeked");
      this.#tell("timeupdate");
    }
    const now = performance.now();
    if (this.#clock.runs && now - this.#toldAt > TOLD_EVERY) {
      this.#toldAt = now;
      this.#tell("timeupdate");
    }
    this.#root.closest("[data-player]")?.toggleAttribute("data-playing", this.#clock.runs);
    return this.#bar.show(time, this.#playing, late && this.#playing);
  }

  #turnClock(runs) {
    this.#clock.run(runs);
    this.#startedAt = runs ? performance.now() : null;
    const time = this.#clock.time;
    for (const feed of this.#feeds()) {
      if (runs && feed.state(time) === "ready") start(feed.element);
      else rest(feed.element);
    }
  }

  /** Elements take a moment to start, all about the same: the clock goes back by that, and nothing jumps. */
  #align() {
    this.#startedAt = null;
    const time = this.#clock.time;
    const playing = this.#feeds().filter((feed) => !feed.element.paused && feed.state(time) === "ready");
    const offs = playing.map((feed) => feed.element.currentTime - time).sort((one, other) => one - other);
    const middle = offs[Math.floor(offs.length / 2)];
    if (middle !== undefined && Math.abs(middle) < 0.5) this.#clock.time = time + middle;
  }

  /** Is something waited for, and not for too long already? */
  #late(waits) {
    const now = performance.now();
    if (!waits) this.#waitingSince = null;
    else this.#waitingSince ??= now;
    return waits && now - this.#waitingSince < PATIENCE;
  }

  /** @returns {boolean} whether a picture is waited for */
  #showPictures(time, alone) {
    const shown = this.#tiles.filter((tile) => tile.document && !tile.root.hidden).map((tile) => tile.key);
    const large = largeAt(this.#layout, time, { chosen: this.#chosen, shown, turns: this.#turns });
    let left = MOST_PICTURES;
    let waits = false;
    const ordered = [...this.#tiles].sort((one, other) => Number(other.key === large) - Number(one.key === large));
    for (const tile of ordered) {
      tile.enlarge(tile.key === large);
      if (alone && tile !== alone) { waits = true; tile.show(null, tile.never || t("正在读取"), time); continue; }
      const awake = tile.document || tile.key === large || (this.#seen.has(tile.root) && left > 0);
      if (awake && tile.feeds.length && !tile.document) left -= 1;
      waits = this.#showTile(tile, time, awake) || waits;
    }
    this.#grid.classList.toggle("has-large", Boolean(large));
    this.#grid.dataset.count = String(Math.min(9, this.#tiles.filter((tile) => !tile.root.hidden).length));
    return waits;
  }

  #showTile(tile, time, awake) {
    if (tile === this.#paper) return tile.paint(time);
    if (!awake) {
      for (const feed of tile.feeds) feed.sleep();
      tile.show(null, tile.never || t("画面暂不显示，放大可看"), time);
      return false;
    }
    const states = tile.feeds.map((feed) => [feed, this.#follow(feed, time, false)]);
    const has = (state) => states.find(([, each]) => each === state)?.[0] || null;
    const ready = has("ready") || (has("waiting")?.element.readyState >= 2 ? has("waiting") : null);
    if (tile.document && tile.root.hidden !== !ready) tile.root.hidden = !ready;
    tile.show(ready, this.#why(tile, time, states), time);
    return !has("ready") && has("waiting") !== null;
  }

  #why(tile, time, states) {
    if (tile.never) return tile.never;
    if (states.some(([, state]) => state === "waiting")) return t("正在读取");
    const broken = tile.feeds.find((feed) => feed.broken);
    if (broken) return broken.broken;
    const gap = tile.gaps.find(([since, until]) => since - 1 <= time && time <= until + 1);
    return gap ? gap[2] : t("此刻没有画面");
  }

  /** Bring one track to the common clock. @returns {string} its state, "waiting" also while it gets ready */
  #follow(feed, time, heard) {
    feed.want(time, this.#clock.rate);
    const state = feed.state(time);
    const media = feed.element;
    const off = media.currentTime - time;
    if (state !== "ready") {
      rest(media);
      return state;
    }
    if (!this.#clock.runs) {
      if (media.playbackRate !== this.#clock.rate) media.playbackRate = this.#clock.rate;
      if (!media.seeking && Math.abs(off) > 0.01) media.currentTime = time;
      const prepared = !media.seeking && media.readyState >= 2;
      if (!this.#playing || !prepared) rest(media);
      return prepared || performance.now() - this.#movedAt > PATIENCE ? "ready" : "waiting";
    }
    if (media.paused) start(media);
    if (this.#startedAt !== null) return "ready"; // It is only just getting under way.
    const { move, rate } = steer(off, this.#clock.rate, this.#steered.has(media));
    if (move && !media.seeking) media.currentTime = time + (heard ? 0.02 : 0);
    if (media.playbackRate !== rate) media.playbackRate = rate;
    if (rate === this.#clock.rate) this.#steered.delete(media);
    else this.#steered.add(media);
    return "ready";
  }
}

function rest(media) {
  media.dataset.rests = "";
  if (!media.paused) media.pause();
}

function start(media) {
  delete media.dataset.rests;
  media.play().catch(() => {});
}
