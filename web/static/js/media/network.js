import { FigureReader } from "./figures.js";
import { Quality, worst } from "./quality.js";
import { Steadiness } from "./steadiness.js";

const EVERY = 1000;
const ROWS_AT_ONCE = 4;
/**
 * After so many seconds in which the network is what limits us we try to send more: an attempt costs key
 * frames, so each further one waits so much longer, up to the last. So many seconds without a limit end that.
 */
const CLIMB_AFTER = 2;
const CLIMB_LATER = 1.3;
const CLIMB_LATEST = 20;
const UNLIMITED = 3;
/**
 * What the browser believes grows by a twelfth a second by itself, and by this much when it begins to trust a
 * network again that lost packets, or when an attempt met a wider one: then the next comes at once and asks
 * for more. Before that Chromium sends no probe at all (loss counts for some five seconds).
 */
const GAIN = 1.25;

/** When to try to send more; asked once a second. Layers come and go meanwhile, which is not yet the end of it. */
export class Attempts {
  #limited = 0;
  #free = 0;
  #wait = CLIMB_AFTER;
  #before = Infinity;

  /**
   * @param {boolean} limited whether the network limited us in this second
   * @param {number} estimate bit/s that the browser believes in; 0: not known
   * @returns {""|"try"|"more"} "more" when the estimate has just leapt
   */
  due(limited, estimate) {
    const gained = estimate > GAIN * this.#before;
    this.#before = estimate || Infinity;
    this.#free = limited ? 0 : this.#free + 1;
    if (this.#free >= UNLIMITED) {
      this.#limited = 0;
      this.#wait = CLIMB_AFTER;
    }
    if (!limited || (++this.#limited < this.#wait && !gained)) return "";
    if (gained) return "more";
    this.#limited = 0;
    this.#wait = Math.min(Math.ceil(this.#wait * CLIMB_LATER), CLIMB_LATEST);
    return "try";
  }
}

/** One direction of the call: its readings, its word, the rows that are not told yet. */
class Direction {
  #peer;
  #direction;
  #connection = null;
  #reader;
  #quality = new Quality();
  #steadiness = new Steadiness();
  #attempts = new Attempts();
  rows = [];
  path = null;

  constructor(direction, peer) {
    this.#direction = direction;
    this.#peer = peer;
  }

  get shown() {
    return this.#quality.shown;
  }

  /** @param {boolean} expected whether silence means that the network is gone */
  async measure(expected) {
    const { connection } = this.#peer;
    if (connection !== this.#connection) {
      this.#connection = connection;
      this.#reader = new FigureReader(this.#direction);
    }
    if (!connection) return;
    const now = performance.now();
    const entries = [...(await connection.getStats()).values()];
    const figures = this.#reader.read(entries, now);
    if (!figures) return;
    if (this.#direction === "down") this.#steadiness.adjust(connection, figures, now);
    else this.#climb(connection, entries);
    this.path = figures.path || this.path;
    // Nothing came because nobody sends: who is alone in the room has no bad line.
    if (this.#direction === "down" && !expected && figures.received === 0) return;
    this.rows = [...this.rows.slice(1 - 2 * ROWS_AT_ONCE), figures.row];
    if (expected || figures.received > 0) this.#quality.add(figures);
  }

  #climb(connection, entries) {
    const limited = entries.some((entry) => entry.qualityLimitationReason === "bandwidth");
    const pair = entries.find((entry) => entry.availableOutgoingBitrate);
    const due = this.#attempts.due(limited, pair ? pair.availableOutgoingBitrate : 0);
    if (due) import("./climb.js").then(({ climb }) => climb(connection, due === "more")).catch(console.warn);
  }
}

/**
 * Measures both directions once a second, says the worse in one of three words, and tells the room.
 *
 * @param {import("./call.js").Call} call
 * @param {(grade: import("./quality.js").Grade) => void} show
 */
export function watchNetwork(call, show) {
  const up = new Direction("up", call.publisher);
  const down = new Direction("down", call.subscriber);
  let shown = null;
  let told = false;
  setInterval(async () => {
    await Promise.all([up.measure(false), down.measure(call.subscriber.described.length > 0)]);
    const word = worst(up.shown, down.shown);
    if (word !== shown) show((shown = word));
    // The first are told at once: who is in the room for three seconds only has been seen, too.
    const first = !told && up.rows.length > 0 && down.rows.length > 0;
    if (first || up.rows.length + down.rows.length >= 2 * ROWS_AT_ONCE || down.rows.length >= ROWS_AT_ONCE) tell();
  }, EVERY);

  function tell() {
    const path = down.path || up.path || "unknown";
    if (call.tellQuality({ path, up: up.rows, down: down.rows })) {
      up.rows = down.rows = [];
      told = true;
    }
  }
}
