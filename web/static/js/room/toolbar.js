import { element, setText } from "../elements.js";
import { LAYOUTS } from "./layouts.js";
import { openHall } from "./hall_link.js";
import { t } from "../translate.js";

const RUNNING = new Set(["live", "paused"]);
const FREE = { code: "", title: t("自由发言") };

/** The strip above the stage: phases for all to see, the layout, the window for the hall. */
export class Toolbar {
  #part;
  #call;
  #announcer;
  #phases = new Map();
  #own = null;
  #phase;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {(name: string) => HTMLElement} action
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(part, action, call, announcer) {
    this.#part = part;
    this.#call = call;
    this.#announcer = announcer;
    part("layout").replaceChildren(...LAYOUTS.map(([value, text]) => element("option", { value, text })));
    part("layout").addEventListener("change", () => this.choose(part("layout").value));
    part("layout_own").addEventListener("change", () => this.#ownChanged());
    // Who came by a link holds no sign-in, which the page of the hall asks for.
    action("hall")?.addEventListener("click", () => openHall(call));
  }

  /** The layout that this page prefers, null while it follows the host. */
  get own() {
    return this.#own;
  }

  update() {
    const { room, session } = this.#call;
    const arranges = this.#call.may("arrange");
    const own = this.#part("layout_own");
    setText(own.nextElementSibling, arranges ? t("只改我这里") : t("用我的版式"));
    own.checked = this.#own !== null;
    const select = this.#part("layout");
    select.disabled = !arranges && this.#own === null;
    if (document.activeElement !== select) select.value = this.#own || room.conduct.layout;
    this.#paintPhases(room, session.phases);
  }

  /** @param {string} layout */
  choose(layout) {
    if (this.#own !== null) this.#own = layout;
    else this.#call.command("arrange", { layout, spotlight: this.#call.room.conduct.spotlight || "" });
    this.#call.emit("changed");
  }

  /** The next layout of the list, for a key. */
  next() {
    if (this.#part("layout").disabled) return;
    const at = LAYOUTS.findIndex(([value]) => value === (this.#own || this.#call.room.conduct.layout));
    this.choose(LAYOUTS[(at + 1) % LAYOUTS.length][0]);
  }

  /** @param {number} number of the phase, 0 for none, for a key */
  begin(number) {
    const phase = [FREE, ...this.#call.session.phases][number];
    if (phase && this.#mayBegin) this.#call.command("begin_phase", { phase: phase.code });
  }

  // Internal

  get #mayBegin() {
    return this.#call.may("phase") && RUNNING.has(this.#call.room.state);
  }

  #ownChanged() {
    this.#own = this.#part("layout_own").checked ? this.#call.room.conduct.layout : null;
    this.#call.emit("changed");
  }

  #paintPhases(room, phases) {
    if (this.#phases.size === 0) this.#makePhases(phases);
    const current = room.conduct.phase || FREE.code;
    for (const [code, button] of this.#phases) {
      button.disabled = !this.#mayBegin && code !== current;
      button.setAttribute("aria-current", code === current ? "step" : "false");
    }
    if (this.#phase !== undefined && this.#phase !== current) {
      const title = this.#phases.get(current)?.textContent || FREE.title;
      this.#announcer.say(t("现在：{0}", title), { topic: "phase" });
    }
    this.#phase = current;
  }

  #makePhases(phases) {
    for (const { code, title } of [FREE, ...phases]) {
      const button = element("button.phase", { type: "button", text: t(title), on: { click: () => this.#click(code) } });
      this.#phases.set(code, button);
      this.#part("phases").append(element("li", {}, button));
    }
  }

  #click(code) {
    if (this.#mayBegin && code !== this.#phase) this.#call.command("begin_phase", { phase: code });
  }
}
