import { markReady } from "../boot.js";
import { elapsed, timeOfDay } from "../clock.js";
import { setText } from "../elements.js";
import { Focus } from "../media/focus.js";
import { Tiles } from "../media/tiles.js";
import { t } from "../translate.js";
import { RecordingBadge } from "./badge.js";
import { hallArrangement, hallShows } from "./layouts.js";
import { SESSION_STATES } from "./states.js";

const part = (name) => document.querySelector(`[data-part=${name}]`);
const EVERY = 250;
const SILENT = { attach() {}, release() {}, resume() {}, play: (video) => video.play().catch(() => {}) };

/**
 * The window for the hall: output only. It has no connection, camera or microphone of its own; the console
 * that opened it lends what it receives. Sound comes from the console.
 */
class Hall {
  #tiles = null;
  #focus = new Focus();
  #badge = null;
  #lent = null;
  #tracks = "";
  #exhibit = null;

  start() {
    part("layout").addEventListener("change", () => this.#update());
    document.querySelector("[data-action=whole]").addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => {}));
    window.addEventListener("pagehide", () => this.#lent && this.#lent.watch([]));
    setInterval(() => this.#update(), EVERY);
    this.#update();
  }

  // Internal

  get #console() {
    try {
      return window.opener && !window.opener.closed && window.opener.lianxinHall || null;
    } catch {
      return null;
    }
  }

  #update() {
    const lent = this.#console;
    const room = lent && lent.room;
    const shows = hallShows(room);
    for (const name of ["away", "held", "stage"]) part(name).hidden = name !== shows;
    if (shows === "away") return;
    if (lent !== this.#lent) this.#take(lent);
    this.#paintHead(lent);
    if (shows === "held") return this.#darken();
    this.#paintStage(lent);
    this.#paintExhibit(lent);
  }

  /** Fetched when something is shown; from then on it follows the room. */
  #paintExhibit(lent) {
    if (!lent.room.exhibit && !this.#exhibit) return;
    this.#exhibit ??= import("./hall_exhibit.js").then(({ HallExhibit }) => new HallExhibit(part("stage"), lent));
    this.#exhibit.then((exhibit) => exhibit.update(lent)).catch(() => (this.#exhibit = null));
  }

  #darken() {
    this.#tracks = "";
    this.#tiles.clear();
  }

  /** A console that was loaded again lends other pictures. */
  #take(lent) {
    if (this.#tiles) this.#tiles.clear();
    this.#lent = lent;
    this.#tracks = "";
    this.#tiles = new Tiles(part("stage"), SILENT, lent.capture);
    this.#tiles.watched = (tiles) => lent.watch(tiles);
    part("recording").replaceChildren();
    this.#badge = new RecordingBadge(part("recording"), () => lent.now);
  }

  #paintHead({ room, session, now }) {
    setText(part("state"), SESSION_STATES[room.state] || room.state);
    part("state").dataset.state = room.state;
    const running = room.state === "live" || room.state === "paused";
    setText(part("elapsed"), running && room.opened_at ? elapsed(now - Date.parse(room.opened_at)) : "");
    setText(part("clock"), timeOfDay(now));
    setText(part("phase"), t(session.phases.find(({ code }) => code === room.conduct.phase)?.title || ""));
    this.#badge.update(room.recording, null);
  }

  #paintStage({ room, me, interrupted, received, capture }) {
    // In the hall nobody is "me": the console's own pictures stand among the others.
    const own = ["camera", "screen"].map((source) => ({ participantId: me, kind: "video", source, track: capture.tracks.get(source) }));
    const pictures = [...received, ...own].filter(({ kind, track }) => kind === "video" && track);
    const chosen = hallArrangement(room, me, part("layout").value || null, this.#focus, performance.now());
    this.#tiles.update(room.participants, { self: null, presenter: room.presenter, interrupted, ...chosen });
    const tracks = pictures.map(({ participantId, source, track }) => `${participantId}-${source}-${track.id}`).join();
    if (tracks === this.#tracks) return;
    this.#tracks = tracks;
    this.#tiles.attach(pictures);
  }
}

markReady();
new Hall().start();
