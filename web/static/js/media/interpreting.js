import { element } from "../elements.js";
import { t } from "../translate.js";

/** Whose voice a listener hears while somebody interprets. `both` is the beginning: nobody misses a word. */
export const CHOICES = [["both", t("都听")], ["original", t("原声")], ["interpreted", t("译音")]];
/** The floor behind the interpreter's voice: heard that somebody speaks, not in the way. */
export const LOWERED = 0.15;
const KEPT = "lianxin-interpreting";

export function isInterpreter({ role }) {
  return role === "interpreter";
}

/**
 * @param {{participant_id: string, role: string}[]} people
 * @param {string|null} self an interpreter hears the floor as it is
 * @param {string} choice of CHOICES
 * @returns {Map<string, number>} by participant, 0 to 1; 0 need not be sent
 */
export function gainsOf(people, self, choice) {
  const works = people.some((person) => isInterpreter(person) && person.participant_id === self);
  const between = people.some((person) => isInterpreter(person) && person.participant_id !== self);
  const gain = (person) => {
    if (works || !between || choice === "both") return 1;
    return isInterpreter(person) === (choice === "interpreted") ? 1 : choice === "interpreted" ? LOWERED : 0;
  };
  return new Map(people.map((person) => [person.participant_id, gain(person)]));
}

/** The listener's own mix beside the stage; fetched with the first interpreter. */
export class Ears {
  #output;
  #changed;
  #choice = stored();
  #root;

  /**
   * @param {HTMLElement} stage
   * @param {import("./output.js").AudioOutput} output
   * @param {() => void} changed hears that something else is listened to
   */
  constructor(stage, output, changed) {
    this.#output = output;
    this.#changed = changed;
    this.#root = element("fieldset.ears", { hidden: true }, element("legend", { text: t("有翻译，您听哪个声音") }), ...CHOICES.map(([name, words]) => this.#radio(name, words)));
    stage.after(this.#root);
  }

  /** @returns {string[]} participants whose sound nobody hears here */
  listen(people, self) {
    const gains = gainsOf(people, self, this.#choice);
    for (const [id, gain] of gains) this.#output.setGain(id, gain);
    const others = people.filter(isInterpreter).filter((person) => person.participant_id !== self);
    this.#root.hidden = others.length === 0 || people.some((person) => isInterpreter(person) && person.participant_id === self);
    return [...gains].filter(([, gain]) => gain === 0).map(([id]) => id);
  }

  // Internal

  #radio(name, words) {
    const input = element("input", { type: "radio", name: "ears", value: name, on: { change: () => this.#choose(name) } });
    input.checked = name === this.#choice;
    return element("label.ears-choice", {}, input, element("span", { text: words }));
  }

  #choose(name) {
    this.#choice = name;
    try {
      sessionStorage.setItem(KEPT, name);
    } catch {
      // Private windows may refuse; the choice lives as long as the page.
    }
    this.#changed();
  }
}

function stored() {
  try {
    const kept = sessionStorage.getItem(KEPT);
    return CHOICES.some(([name]) => name === kept) ? kept : "both";
  } catch {
    return "both";
  }
}
