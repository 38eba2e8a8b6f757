import { elapsed } from "../clock.js";
import { icon, setText, element } from "../elements.js";
import { RECORDING_STATES } from "../words.js";

/** Before it runs there is nothing to tell, and while it is prepared the next word comes at once. */
const PASSING = new Set(["off", "preparing"]);

/** The recording badge: four states in words, red only when the recorder has bytes on disk. */
export class RecordingBadge {
  #node;
  #text = element("span");
  #time = element("span.badge-time");
  #disk = element("span.badge-disk");
  #state = null;
  #now;
  #written;

  /**
   * @param {() => number} now milliseconds by the server's clock
   * @param {(recording: object, milliseconds: number) => string} [written] what officials also read of the disk
   */
  constructor(node, now, written = () => "") {
    this.#node = node;
    this.#now = now;
    this.#written = written;
  }

  /**
   * @param {{state: string, since: string|null, bytes?: number, cause: string|null}} recording
   * @param {string|null} openedAt when the sitting began
   * @returns {string|null} the new words when the state changed, to be announced; what passes in a moment is not
   */
  update(recording, openedAt) {
    const changed = recording.state !== this.#state;
    if (changed) this.#paint(recording.state);
    const running = recording.state === "active" || recording.state === "faulty" || recording.state === "paused";
    const milliseconds = this.#now() - Date.parse(openedAt);
    setText(this.#time, running && openedAt ? elapsed(milliseconds) : "");
    setText(this.#disk, running && openedAt && recording.bytes ? this.#written(recording, milliseconds) : "");
    return changed && !PASSING.has(recording.state) ? RECORDING_STATES[recording.state].text : null;
  }

  // Internal

  #paint(state) {
    const { text, icon: name } = RECORDING_STATES[state];
    this.#state = state;
    this.#node.dataset.state = state;
    setText(this.#text, text);
    this.#node.replaceChildren(icon(name), this.#text, this.#time, this.#disk);
  }
}
