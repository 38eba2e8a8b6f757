import { element } from "../elements.js";
import { presentSecond, Report } from "./report.js";
import { Watermark } from "./watermark.js";
import { t } from "../translate.js";

/**
 * The reviewer's desk: its forms are sent without leaving the page, so that the film plays on; places in the
 * film lead there; fields for a time take the present one.
 */
class Desk {
  #area;

  /** @param {HTMLElement} area */
  constructor(area) {
    this.#area = area;
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("submit", (event) => this.#submitted(event));
    this.#prepare();
  }

  trouble(text) {
    const place = document.getElementById("desk-trouble");
    place.textContent = text;
    place.hidden = text === "";
  }

  // Internal

  #prepare() {
    for (const field of this.#area.querySelectorAll("[data-moment]")) {
      const take = element("button.button.button-second", { type: "button", text: t("取当前时间"), on: { click: () => this.#take(field) } });
      take.setAttribute("aria-label", t("{0}：取当前时间", field.labels[0].textContent));
      field.after(take);
    }
  }

  #take(field) {
    const seconds = momentShown();
    field.value = Number.isFinite(seconds) ? spellMoment(seconds) : "";
    field.focus();
  }

  #clicked(event) {
    const link = event.target.closest("[data-desk-seek]");
    if (!link || !this.#area.contains(link) || !document.querySelector("video")) return;
    event.preventDefault();
    goTo(Number(link.dataset.deskSeek));
  }

  async #submitted(event) {
    const form = event.target;
    if (!this.#area.contains(form) || event.defaultPrevented) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const section = form.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby");
    const buttons = [...form.querySelectorAll("[type=submit]")];
    for (const button of buttons) button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
      if (answer.type !== "opaqueredirect") return await this.#refused(answer, form);
      this.trouble("");
      await this.#refresh(section, form.closest("details")?.id);
    } catch {
      this.trouble(t("没有送到服务器，请检查网络后再试。填写的内容还在。"));
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  async #refused(answer, form) {
    const told = await answer.json().catch(() => ({}));
    this.trouble(told.error?.message || t("没有成功，请刷新页面后再试。"));
    const field = told.error?.field && form.elements[told.error.field];
    if (field?.focus) field.focus();
    else document.getElementById("desk-trouble").scrollIntoView({ block: "nearest" });
  }

  /** A fresh desk in place of the old one; what was unfolded stays so, but for the form that is done. */
  async #refresh(section, done) {
    const answer = await fetch(`${this.#area.dataset.address}/desk`, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(`desk ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("desk");
    const unfolded = [...this.#area.querySelectorAll("details[open][id]")].map((each) => each.id);
    for (const each of fresh.querySelectorAll("details[id]")) each.open = each.id !== done && unfolded.includes(each.id);
    this.#area.replaceWith(document.adoptNode(fresh));
    this.#area = fresh;
    this.#prepare();
    document.getElementById(section)?.focus();
  }
}

/**
 * The film knows at once where it was sent, what is written of it in the page only when it begins to go there:
 * who jumps and takes a note in the same breath means the moment jumped to.
 */
function momentShown() {
  return document.querySelector("[data-player] video:not([data-part])")?.currentTime ?? presentSecond();
}

/** Where a player listens it goes there; a bare film is moved from here. */
function goTo(seconds) {
  const event = new CustomEvent("lianxin:seek", { detail: { seconds } });
  document.dispatchEvent(event);
  if (!document.querySelector("[data-player]")) document.querySelector("video").currentTime = seconds;
}

/** @param {number} seconds @returns {string} 1:02:03, rounded down so that the moment is not missed */
export function spellMoment(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}

const area = document.getElementById("desk");
if (area) {
  const desk = new Desk(area);
  const { mark, now, address, token, logs } = area.dataset;
  const began = performance.now();
  new Watermark(mark, () => new Date(Number(now) + performance.now() - began));
  if (logs !== undefined) new Report(`${address}/played`, token, (text) => desk.trouble(text));
}
