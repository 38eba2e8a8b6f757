import { Emitter } from "../emitter.js";
import { merge } from "./merge.js";

/** What is typed is sent this long after its first keystroke. */
const SAVE_AFTER = 700;
/** Refusals that are none: the line is gone, and what was meant to be sent is sent later. */
const LINE = new Set(["disconnected", "timeout", "overloaded", "too_fast", "internal", "sign_in_required"]);
const RETRY = 3000;

/**
 * @typedef {object} Paragraph one paragraph as this page has it
 * @property {string} text what is shown and typed
 * @property {string} known the wording `text` grew from, revision `base` of the server
 * @property {string} trouble why the server does not take it; empty when all is well
 */

/**
 * The minutes as this page knows them, and what is still to be sent. One change at a time goes out; typing goes
 * on meanwhile, and what others wrote is merged in. Everything unsent is kept in `store` until it is saved.
 *
 * Events: `changed`, `paragraph` (id whose text changed by others), `state` ("saved" | "saving" | "offline" |
 * "refused"), `met` ({paragraph, by, other, overlaps}) where two wordings were kept, `trouble` (a sentence).
 */
export class Sheet extends Emitter {
  #link;
  #store;
  #now;
  #later;
  #entries = new Map();
  #waiting = [];
  #sending = null;
  #busy = false;
  #timer = null;
  #state = "saved";
  #restored = false;
  view = null;

  /**
   * @param {{ready: boolean, fetch: () => Promise<any>, send: (change: object) => Promise<any>}} link
   * @param {{load: () => any, save: (kept: any) => void}} store
   */
  constructor(link, store, { now = () => Date.now(), later = (act, wait) => setTimeout(act, wait) } = {}) {
    super();
    this.#link = link;
    this.#store = store;
    this.#now = now;
    this.#later = later;
  }

  get state() { return this.#state; }
  get writable() { return Boolean(this.view?.writable) && (this.view.state === "drafting" || this.view.state === "read_back"); }
  get unsent() { return this.#waiting.length > 0 || this.#sending !== null || this.#dirty().length > 0; }

  /** @returns {Paragraph[]} in order, without those taken out */
  get paragraphs() {
    return [...this.#entries.values()].filter((one) => !one.removed || one.text !== one.known)
      .sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1));
  }

  find(id) { return this.#entries.get(id) || null; }

  /** The line is there (again): read the whole sheet, then send what waits. */
  async refresh() {
    try {
      this.load(await this.#link.fetch());
    } catch (error) {
      if (!LINE.has(error.code)) this.emit("trouble", error.message);
    }
    this.#pump();
  }

  /** @param {object|null} view the whole sheet as the server has it */
  load(view) {
    this.view = view;
    const there = new Set((view?.paragraphs || []).map((one) => one.id));
    for (const each of view?.paragraphs || []) this.#take(each);
    for (const one of this.#entries.values()) if (!there.has(one.id) && !one.local) one.removed = true;
    if (!this.#restored && view) this.#restore();
    this.emit("changed");
  }

  /** @param {object} push `minutes.paragraph` */
  hear(push) {
    if (!this.view) return;
    this.view.version = push.version;
    this.#take(push.paragraph);
    if (push.overlaps.length) this.emit("met", push);
    this.emit("changed");
  }

  /** What stands in the field of a paragraph now. */
  type(id, text) {
    const one = this.#entries.get(id);
    if (!one || one.text === text) return;
    one.text = text;
    one.trouble = "";
    if (one.held) this.#waiting.push(one.held);
    one.held = null;
    this.#keep();
    this.#tell("saving");
    if (this.#timer === null) this.#timer = this.#later(() => this.#pump(), SAVE_AFTER);
  }

  /** @returns {string} id of the new paragraph after `afterId`, or at the top */
  insert(afterId, kind, speaker) {
    const id = freshId();
    const order = this.paragraphs;
    const at = order.findIndex((one) => one.id === afterId);
    const next = order[at + 1];
    const place = at < 0 ? (order[0]?.place || 2) - 1 : order[at].place + (next ? Math.min(1, (next.place - order[at].place) / 2) : 1);
    this.#entries.set(id, {
      id, place, kind, speaker_id: speaker?.id || null, speaker: speaker?.name || "", office: speaker?.office || "", said_at: null,
      text: "", known: "", base: 0, seen: 0, newest: null, removed: false, local: true, trouble: "",
    });
    this.#add({ act: "insert", paragraph_id: id, after_id: afterId, kind, speaker_id: speaker?.id || null, began: this.#now() });
    return id;
  }

  describe(id, kind, speaker) {
    const one = this.#entries.get(id);
    Object.assign(one, { kind, speaker_id: speaker?.id || null, speaker: speaker?.name || "", office: speaker?.office || "" });
    this.#add({ act: "describe", paragraph_id: id, kind, speaker_id: one.speaker_id });
  }

  /** One place up (-1) or down (1). @returns {boolean} whether it moved */
  move(id, step) {
    const order = this.paragraphs;
    const at = order.findIndex((one) => one.id === id);
    const other = order[at + step];
    if (!other) return false;
    const one = order[at];
    const after = step < 0 ? order[at - 2] : other;
    [one.place, other.place] = [other.place, one.place];
    this.#add({ act: "move", paragraph_id: id, after_id: after?.id || null });
    return true;
  }

  remove(id) {
    const one = this.#entries.get(id);
    one.text = one.known;
    one.removed = true;
    this.#add({ act: "remove", paragraph_id: id });
  }

  // Internal

  #add(change) {
    this.#waiting.push({ edit_id: freshId(), ...change });
    this.#keep();
    this.emit("changed");
    this.#pump();
  }

  #dirty() {
    return [...this.#entries.values()].filter((one) => one.text !== one.known && !one.local);
  }

  #take(view) {
    const one = this.#entries.get(view.id) || { id: view.id, text: view.text, known: view.text, base: 0, seen: 0, trouble: "" };
    this.#entries.set(view.id, one);
    if (view.revision < one.seen) return;
    const mine = this.#waiting.some((change) => change.paragraph_id === view.id && change.act !== "insert");
    if (!mine) Object.assign(one, { kind: view.kind, speaker_id: view.speaker_id, speaker: view.speaker, office: view.office, removed: view.removed });
    Object.assign(one, { place: view.place, said_at: view.said_at, seen: view.revision, newest: view });
    const busy = this.#sending?.paragraph_id === view.id && "text" in this.#sending;
    if (one.text === one.known && !busy && !one.local) this.#adopt(one, view);
  }

  #adopt(one, view) {
    const changed = one.text !== view.text;
    Object.assign(one, { text: view.text, known: view.text, base: view.revision });
    if (changed) this.emit("paragraph", one.id);
  }

  #next() {
    if (this.#waiting.length) return this.#fill(this.#waiting.shift());
    const one = this.#dirty().find((each) => !each.trouble);
    return one ? this.#fill({ edit_id: freshId(), act: "edit", paragraph_id: one.id }) : null;
  }

  #fill(change) {
    const one = this.#entries.get(change.paragraph_id);
    const filled = { base: null, after_id: null, kind: null, speaker_id: null, ...change };
    if (change.act === "edit" || change.act === "insert") filled.text = one.text;
    if (change.act === "edit" || change.act === "remove") filled.base = one.base;
    return filled;
  }

  async #pump() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#link.ready && this.view) {
      this.#sending = this.#sending || this.#next();
      if (!this.#sending) break;
      this.#keep();
      this.#tell("saving");
      if (!await this.#send(this.#sending)) break;
    }
    this.#busy = false;
    this.#keep();
    this.#rest();
  }

  async #send(change) {
    const { began, ...fields } = change;
    try {
      const push = await this.#link.send({ text: "", ...fields, ago_ms: began ? Math.max(0, Math.round(this.#now() - began)) : 0 });
      this.#sending = null;
      this.#saved(change, push);
      return true;
    } catch (error) {
      if (LINE.has(error.code) || !error.code) return false;
      this.#sending = null;
      this.#refused(change, error);
      return true;
    }
  }

  #saved(change, push) {
    const one = this.#entries.get(change.paragraph_id);
    const { paragraph: view } = push;
    one.local = false;
    if ("text" in change) {
      const merged = merge(change.text, view.text, one.text);
      const moved = merged !== one.text;
      Object.assign(one, { text: merged, known: view.text, base: view.revision, removed: false });
      if (moved) this.emit("paragraph", one.id);
    }
    this.#take(view);
    if (one.newest && one.newest.revision > one.base && one.text === one.known) this.#adopt(one, one.newest);
    this.emit("changed");
  }

  /** What cannot be saved stays where it was typed, with the reason. */
  #refused(change, error) {
    const one = this.#entries.get(change.paragraph_id);
    if ("text" in change) one.trouble = error.message;
    if (change.act === "insert") one.held = change;
    if (change.act === "remove" && one.newest) Object.assign(one, { removed: one.newest.removed });
    if (change.act !== "insert" && one.newest) this.#take(one.newest);
    this.emit("trouble", error.message);
    this.emit("changed");
  }

  #rest() {
    if (this.#paragraphsInTrouble()) this.#tell("refused");
    else if (!this.unsent) this.#tell("saved");
    else {
      this.#tell("offline");
      if (this.#timer === null) this.#timer = this.#later(() => this.#pump(), RETRY);
    }
  }

  #paragraphsInTrouble() {
    return [...this.#entries.values()].some((one) => one.trouble);
  }

  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }

  #keep() {
    const unsaved = [...this.#entries.values()].filter((one) => one.text !== one.known || one.local);
    const texts = unsaved.map(({ newest, ...one }) => one);
    const changes = this.#sending ? [this.#sending, ...this.#waiting] : this.#waiting;
    this.#store.save(texts.length || changes.length ? { texts, changes } : null);
  }

  /** What a page that was closed or reloaded had not sent yet. */
  #restore() {
    this.#restored = true;
    const kept = this.#store.load();
    if (!kept) return;
    for (const { id, text, known, base, local, ...rest } of kept.texts) {
      const one = this.#entries.get(id);
      if (one) Object.assign(one, { text, known, base });
      else this.#entries.set(id, { ...rest, id, text, known, base, local, newest: null, trouble: "" });
    }
    const [first, ...others] = kept.changes;
    // The first may have arrived already; with its own edit_id it is done once.
    if (first && "text" in first && this.#entries.has(first.paragraph_id)) this.#sending = first;
    else if (first) this.#waiting.push(first);
    this.#waiting.push(...others.filter((change) => this.#entries.has(change.paragraph_id)));
    this.emit("changed");
  }
}

function freshId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
