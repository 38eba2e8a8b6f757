import { element, icon, setText } from "../elements.js";
import { byTier, standing } from "../words.js";
import { t } from "../translate.js";

/** @typedef {object} Person a ParticipantView of the protocol (docs/protocol.md) */

/** In a layout with few large places the others stand after them. */
const BEHIND = 1000;
const NOBODY = new Set();

/** One person on the stage: picture, name, office, tier, and what is wrong in words. */
class Tile {
  #play;
  #video = element("video", { playsinline: true, autoplay: true, muted: true, "aria-hidden": "true" });
  #blank = element("div.tile-blank");
  #overlay = element("p.tile-overlay", { hidden: true });
  #standing = element("span.tile-standing");
  #name = element("span.tile-name");
  #office = element("span.tile-office");
  #muted = element("span.tile-muted", { hidden: true }, icon("microphone-off"), element("span", { text: t("已静音") }));

  /** @param {(video: HTMLVideoElement) => void} play a phone that saves power wants a tap even for a silent picture */
  constructor(play) {
    this.#play = play;
    this.#video.muted = true; // The attribute alone does not mute an element made by script.
    this.root = element("figure.tile", {},
      element("div.tile-picture", {}, this.#video, this.#blank, this.#overlay),
      element("figcaption.tile-caption", {}, this.#standing, this.#name, this.#office, this.#muted));
    this.firstFrame = new Promise((resolve) => this.#whenPainted(resolve));
  }

  show(track) {
    const current = this.#video.srcObject && this.#video.srcObject.getVideoTracks()[0];
    if (current === (track || undefined)) return this.resume();
    this.#video.srcObject = track ? new MediaStream([track]) : null;
    if (track) this.#play(this.#video);
    return undefined;
  }

  /** Pictures stop when a phone comes back from the background. */
  resume() {
    if (this.#video.srcObject && this.#video.paused) this.#play(this.#video);
  }

  update(person, { self, main, minor, pinned, order, trouble }) {
    const { microphone, camera } = person.sources;
    this.root.dataset.participant = person.participant_id;
    this.root.style.order = String(minor ? order + BEHIND : order);
    this.root.classList.toggle("is-minor", minor);
    this.root.classList.toggle("is-pinned", pinned);
    this.root.classList.toggle("is-self", self);
    this.root.classList.toggle("is-main", main);
    this.root.classList.toggle("is-speaking", person.speaking);
    setText(this.#standing, standing(person));
    // Who helps brings the office along in the name: it stands where offices stand, and may be cut there.
    const [, name, office] = (!person.organisation && /^([^（]+)（(.+)）$/.exec(person.name)) || [null, person.name, ""];
    setText(this.#name, self ? t("{0}（我）", name) : name);
    setText(this.#office, person.organisation || office);
    this.#muted.hidden = isOn(microphone);
    setText(this.#muted.lastChild, microphone && microphone.locked ? t("已被静音") : t("已静音"));
    this.#setBlank(isOn(camera) || !camera ? "" : camera.locked ? t("主持人已关闭摄像头") : t("摄像头已关"));
    this.#setOverlay(trouble);
  }

  // Internal

  #setBlank(text) {
    setText(this.#blank, text);
    this.#blank.hidden = text === "";
    this.#video.classList.toggle("is-covered", text !== "");
  }

  #setOverlay(text) {
    if (this.#overlay.textContent !== text) {
      // What is wrong, and what is done about it: a small picture has room for the first only.
      const [, what, rest] = /^([^，,]*)(.*)$/.exec(text);
      this.#overlay.replaceChildren(element("span", {}, what, element("span.tile-rest", { text: rest })));
    }
    this.#overlay.hidden = text === "";
    this.root.classList.toggle("is-troubled", text !== "");
  }

  #whenPainted(resolve) {
    const video = this.#video;
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(() => resolve(Date.now()));
    else video.addEventListener("loadeddata", () => resolve(Date.now()), { once: true });
  }
}

/** The stage: a tile for each participant; tiles keep their place in the DOM, CSS `order` moves them. */
export class Tiles {
  #container;
  #output;
  #capture;
  #tiles = new Map();
  #received = [];
  #firstFrames = {};
  #watch = null;
  #presenter = null;
  #self = null;
  #stage = null;
  #ears = null;
  #people = [];
  #unheard = [];

  watched = () => {}; // Replaced by the page.
  told = () => {}; // Likewise; hears the words of a document that came or went.

  constructor(container, output, capture) {
    this.#container = container;
    this.#output = output;
    this.#capture = capture;
  }

  /** @returns {Record<string, number>} Date.now() of the first picture by participant */
  get firstFrames() {
    return this.#firstFrames;
  }

  /**
   * @param {Person[]} people
   * @param {{self: string|null, main?: string|null, presenter?: string|null, interrupted?: boolean}} view
   *   presenter: who shows a document; interrupted: our own media is gone; layout: for the style sheet;
   *   minor: who is small in it
   */
  update(people, { self, main = null, presenter = null, interrupted = false, layout = "auto", minor = NOBODY }) {
    this.#removeAbsent(new Set(people.map((person) => person.participant_id)));
    const pinned = people.filter((person) => person.participant_id !== self && isPinned(person, main));
    byTier(people).forEach((person, order) => {
      const id = person.participant_id;
      const isBeside = pinned.includes(person);
      const mine = id === self;
      const trouble = interrupted && !mine ? t("正在恢复…") : troubleOf(person);
      this.#tile(id, mine).update(person, { self: mine, main: id === main, minor: minor.has(id) && !isBeside, pinned: isBeside, order, trouble });
      if (mine) this.#tile(id, mine).show(this.#capture.tracks.get("camera") || null);
    });
    const staged = people.filter((person) => !pinned.includes(person));
    const large = staged.filter((person) => !minor.has(person.participant_id)).length;
    Object.assign(this.#container.dataset, { count: staged.length, layout, large, main: main || "" });
    this.#container.style.setProperty("--strip-rows", String(Math.max(1, staged.length - 1)));
    this.#pin(pinned.map((person) => person.participant_id), staged.length > 0);
    this.#hear(people, self).catch(() => {});
    this.#self = self;
    this.#presenter = people.find((person) => person.participant_id === presenter) || null;
    this.#attachAll();
  }

  /** @param {{participantId: string, kind: string, source: string, track: MediaStreamTrack}[]} tracks everything received */
  attach(tracks) {
    this.#received = tracks;
    this.#attachAll();
    this.#follow().catch(() => {});
  }

  /** Pictures and voices that stand still. */
  resume() {
    for (const tile of this.#tiles.values()) tile.resume();
    this.#output.resume();
  }

  clear() {
    this.#removeAbsent(new Set());
    this.#received = [];
    this.#presenter = null;
    this.#paintDocument().catch(() => {});
  }

  // Internal

  #pin(ids, besides) {
    this.#container.classList.toggle("has-pinned", ids.length > 0 && besides);
    ids.forEach((id, place) => this.#tiles.get(id).root.style.setProperty("--pinned-place", String(place)));
  }

  /** Each listener's own mix where somebody interprets; what nobody hears here is not asked for. */
  async #hear(people, self) {
    if (!this.#output.setGain || !this.#ears && !people.some(({ role }) => role === "interpreter")) return;
    this.#people = people;
    this.#ears = this.#ears || import("./interpreting.js").then(({ Ears }) => new Ears(this.#container, this.#output, () => this.#hear(this.#people, this.#self)));
    const unheard = (await this.#ears).listen(this.#people, self);
    if (unheard.join() === this.#unheard.join()) return;
    this.#unheard = unheard;
    await this.#follow();
  }

  #tile(id, mine) {
    if (!this.#tiles.has(id)) {
      const tile = new Tile((video) => this.#output.play(video));
      this.#tiles.set(id, tile);
      this.#container.append(tile.root);
      if (!mine) tile.firstFrame.then((at) => (this.#firstFrames[id] = at));
    }
    return this.#tiles.get(id);
  }

  #removeAbsent(present) {
    for (const [id, tile] of this.#tiles) {
      if (present.has(id)) continue;
      tile.show(null);
      tile.root.remove();
      this.#output.release(id);
      this.#tiles.delete(id);
    }
  }

  async #follow() {
    this.#watch = this.#watch || import("./watch.js").then(({ Watch }) => new Watch((tiles) => this.watched([...tiles, ...this.#unheard.map(silence)])));
    const stage = await this.#stage;
    (await this.#watch).follow(this.#received, ({ participantId, source }) =>
      source === "screen" ? stage && stage.pictureOf(participantId) : this.#tiles.get(participantId)?.root.firstChild);
  }

  /** What is on the stage: whose, and the picture once it is there. */
  get #document() {
    const person = this.#presenter;
    const mine = Boolean(person) && person.participant_id === this.#self;
    const isIt = ({ participantId, source }) => source === "screen" && participantId === person.participant_id;
    const track = mine ? this.#capture.tracks.get("screen") : person && this.#received.find(isIt)?.track;
    return track ? { person, mine, track } : null;
  }

  /** Fetched with the first document, which most receptions do not have. */
  async #paintDocument() {
    if (!this.#stage && !this.#document) return;
    this.#stage = this.#stage || import("./document.js").then(({ DocumentStage }) => new DocumentStage(this.#container));
    const stage = await this.#stage.catch(() => (this.#stage = null));
    if (!stage || !stage.show(this.#document)) return;
    this.told(stage.words);
    await this.#follow();
  }

  #attachAll() {
    this.#paintDocument().catch(() => {});
    for (const { participantId, kind, source, track } of this.#received) {
      if (!this.#tiles.has(participantId)) continue;
      if (kind === "audio") this.#output.attach(participantId, track);
      else if (source === "camera") this.#tiles.get(participantId).show(track);
    }
  }
}

/** Hands or lips of who interprets stay beside every layout, unless the host made them large. */
function isPinned({ participant_id: id, role, sources }, main) {
  return role === "interpreter" && id !== main && isOn(sources.camera);
}

/** Tells the server that a voice is not listened to here, so that it is not sent. */
function silence(participantId) {
  return { participant_id: participantId, source: "microphone", height: 0, visible: false };
}

function isOn(source) {
  return Boolean(source && source.enabled && !source.locked);
}

/** What a viewer reads over a picture that stands still. */
export function troubleOf({ presence, media }) {
  if (presence === "away") return t("已离开");
  if (presence === "reconnecting" && media !== "connected") return t("连接中断，正在恢复…");
  if (media === "silent") return t("画面中断，正在恢复…");
  if (media === "connecting") return t("正在连接…");
  return "";
}
