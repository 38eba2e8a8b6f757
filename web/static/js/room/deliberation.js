import { readBoot } from "../boot.js";
import { elapsed } from "../clock.js";
import { element, label, setText } from "../elements.js";
import { t } from "../translate.js";

/** As signaling/rights.py has it; the server refuses everybody else. */
const OFFICIALS = new Set(["host", "joint_receptionist", "department", "recorder", "observer"]);
const { recorded = true } = readBoot().session || {};
const BACK_SOON = recorded ? t("返回接访，全体可见可闻，录音录像继续") : t("返回接访，全体可见可闻");

/** 合议: who goes, the banner with its time, and the countdown that all read by the server's clock. */
export class Deliberation {
  #part;
  #button;
  #call;
  #announcer;
  #told = "";

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {HTMLElement} button
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(part, button, call, announcer) {
    this.#part = part;
    this.#button = button;
    this.#call = call;
    this.#announcer = announcer;
    button.addEventListener("click", () => (this.#now ? call.command("end_deliberation") : this.#begin()));
  }

  update() {
    const { room } = this.#call;
    const now = this.#now;
    label(this.#button, now ? "play" : "people", now ? t("返回接访") : t("合议"));
    this.#button.hidden = !this.#call.may("deliberate") || !(now || room.state === "live");
    this.#button.disabled = Boolean(now && now.returns_at);
    const words = now ? this.#words(now) : "";
    setText(this.#part("deliberation_text"), words);
    this.#part("deliberation").hidden = !now;
    this.#part("deliberation").dataset.inside = String(Boolean(now && now.inside));
    this.#announce(now);
  }

  /** Whose pictures there are to be seen: of those on the same side of the partition. */
  among(participants) {
    const now = this.#now;
    if (!now) return participants;
    const shown = new Set(now.inside ? now.participants : [this.#call.me]);
    return participants.filter((person) => shown.has(person.participant_id));
  }

  // Internal

  get #now() { return this.#call.room?.deliberation || null; }

  #words(now) {
    const time = elapsed(this.#call.serverNow - Date.parse(now.since)).replace(/^00:/, "");
    if (now.returns_at) return t("{0} 秒后{1}", this.#left(now), BACK_SOON);
    if (!now.inside) return t("其他工作人员正在合议 {0}。合议不录制，您听不到他们，他们也听不到您。", time);
    const names = this.#call.room.participants.filter((person) => now.participants.includes(person.participant_id)).map((person) => person.name);
    return t("合议 · 不录制 {0}　在座：{1}。信访人和其他人看不到、听不到这里。", time, names.join("、"));
  }

  #left(now) {
    return Math.max(0, Math.ceil((Date.parse(now.returns_at) - this.#call.serverNow) / 1000));
  }

  #announce(now) {
    const state = !now ? "" : now.returns_at ? "returning" : now.inside ? "inside" : "outside";
    if (state === this.#told) return;
    this.#told = state;
    const words = { "": t("已返回接访"), inside: t("合议开始，不录制"), outside: t("其他工作人员正在合议"), returning: t("十秒后{0}", BACK_SOON) };
    this.#announcer.say(words[state], { topic: "deliberation" });
  }

  async #begin() {
    const officials = this.#call.room.participants.filter((person) => OFFICIALS.has(person.role));
    const chosen = await choose(officials, this.#call.me);
    if (chosen) this.#call.command("deliberate", { participants: chosen });
  }
}

/** @returns {Promise<string[]|null>} participant ids, null when the host thought better of it */
function choose(officials, me) {
  const boxes = officials.map((person) => {
    const input = element("input", { type: "checkbox", value: person.participant_id, checked: true, disabled: person.participant_id === me });
    return element("label.dialog-choice", {}, input, element("span", { text: `${person.name}　${person.organisation || ""}` }));
  });
  const dialog = element("dialog.dialog", { "aria-labelledby": "deliberation-title" },
    element("form", { method: "dialog" },
      element("h2", { id: "deliberation-title", text: t("开始内部合议？") }),
      element("p", { text: t("参加合议的人互相看得见、听得见。信访人和没有选中的人看不到、听不到，会看到「工作人员正在内部商议，请不要离开」。合议期间不录音录像，开始和结束的时间写入接访记录。") }),
      element("fieldset.dialog-choices", {}, element("legend", { text: t("谁参加合议") }), ...boxes),
      element("div.dialog-acts", {},
        element("button.button.button-second", { type: "button", text: t("取消"), on: { click: () => dialog.close() } }),
        element("button.button", { type: "submit", value: "yes", text: t("开始合议") }))));
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const chosen = [...dialog.querySelectorAll("input:checked")].map((input) => input.value);
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? chosen : null);
    });
    dialog.showModal();
  });
}
