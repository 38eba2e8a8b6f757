import { element, setText } from "../elements.js";
import { spokenTime } from "./lanes.js";
import { merge, Way } from "./spans.js";
import { t } from "../translate.js";

// A shorter silence is part of speaking, and nobody's first word is cut.
const SILENCE = 3;
const PAD = 0.5;
// Who goes back into a silence hears the end of what was said before it.
const BACK = 15;

/**
 * Leaving out silence, and staying with one person: both by the spans of speech that were written down
 * during the session. Says how much was left out.
 */
export class Ways {
  #film;
  #player;
  #speeches;
  #end;
  #silence;
  #person;
  #said;
  #way = null;
  #skipped = 0;
  #last = 0;

  /**
   * @param {import("./player.js").Player} player
   * @param {{name: string, spans: [number, number][]}[]} speeches of each person
   */
  constructor(player, speeches) {
    this.#film = player.film;
    this.#player = player;
    this.#speeches = speeches.filter(({ spans }) => spans.length);
    this.#end = player.duration;
    const nobody = !this.#speeches.length;
    this.#silence = element("button.button.button-second", { type: "button", "aria-pressed": "false", disabled: nobody, text: t("跳过静默"), on: { click: () => this.toggleSilence() } });
    this.#person = element("select.input", { id: "replay-person", disabled: nobody, on: { change: () => this.#change() } },
      element("option", { value: "", text: t("所有人") }),
      ...this.#speeches.map(({ name, spans }, place) => element("option", { value: place, text: t("{0}（发言 {1} 段）", name, spans.length) })));
    this.#said = element("p.replay-now", { id: "replay-skipped", text: nobody ? t("没有发言记录，不能跳过静默。") : "" });
    player.tools.append(
      element("div.replay-ways", {},
        this.#silence,
        element("div.field", {}, element("label", { for: "replay-person", text: t("只看") }), this.#person)),
      this.#said);
    this.#film.addEventListener("timeupdate", () => this.#follow());
    this.#film.addEventListener("play", () => this.#follow());
  }

  toggleSilence() {
    if (this.#silence.disabled) return;
    this.#silence.setAttribute("aria-pressed", String(this.#silence.getAttribute("aria-pressed") !== "true"));
    this.#change();
  }

  /** The next person, and everybody after the last, for a key. @returns {string} who it is now */
  nextPerson() {
    const list = this.#person;
    list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
    this.#change();
    return list.options[list.selectedIndex].text;
  }

  /** From speech to speech of whoever is chosen. @param {1|-1} step */
  beside(step) {
    const chosen = this.#person.value;
    const spans = chosen === "" ? this.#speeches.flatMap((each) => each.spans) : this.#speeches[Number(chosen)].spans;
    const time = new Way([...spans].sort((one, other) => one[0] - other[0]), this.#end).beside(this.#film.currentTime, step);
    if (time !== null) this.#player.seek(time);
  }

  // Internal

  #change() {
    const alone = this.#person.value;
    const quiet = this.#silence.getAttribute("aria-pressed") === "true";
    this.#skipped = 0;
    if (alone !== "") this.#way = new Way(merge(this.#speeches[Number(alone)].spans, PAD, quiet ? 0 : SILENCE), this.#end);
    else this.#way = quiet ? new Way(merge(this.#speeches.flatMap(({ spans }) => spans), PAD, SILENCE), this.#end) : null;
    this.#say();
    this.#follow(alone !== "");
  }

  #follow(moved = false) {
    const time = this.#film.currentTime;
    const before = this.#last;
    this.#last = time;
    // While it stands still, whoever looks at a silent moment is left there.
    if (!this.#way || this.#film.seeking || (this.#film.paused && !moved)) return;
    const next = this.#way.next(time);
    if (next === null || next - time < 0.2) return;
    const back = time < before - 0.5 ? this.#way.back(time, BACK) : null;
    if (back !== null) return this.#player.seek(back);
    this.#skipped += next - time;
    this.#say();
    if (next >= this.#end) this.#film.pause();
    this.#player.seek(next);
  }

  #say() {
    if (!this.#way) setText(this.#said, "");
    else setText(this.#said, t("已跳过 {0}，全程可跳过 {1}。", spokenTime(this.#skipped), spokenTime(this.#way.left)));
  }
}
