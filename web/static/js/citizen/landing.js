import { markReady } from "../boot.js";
import { t } from "../translate.js";

/** How often the second device asks whether it was let in. */
const ASK_AGAIN = 3000;

/**
 * C1: a tap on 开始 exchanges the secret of the fragment by POST, once; the fragment is cleared before
 * anything else can read it. Opening the page changes nothing.
 */
class Landing {
  #section;
  #button;
  #code;
  #busy = false;
  #secret = "";

  constructor(section) {
    this.#section = section;
    this.#button = section.querySelector("[data-action=start]");
    this.#code = section.dataset.code;
    this.#button.addEventListener("click", () => this.#start());
    for (const button of document.querySelectorAll("[data-action=check]")) button.addEventListener("click", () => this.#check());
    // Back, out of the browser's memory: the button still said that it was opening, and took no tap.
    addEventListener("pageshow", ({ persisted }) => persisted && this.#busy && !this.#section.hidden && location.reload());
    this.#secret = location.hash.slice(1);
    if (this.#secret && !section.dataset.next) this.#look(this.#secret);
    if (!this.#secret) section.querySelector("[data-part=check]").hidden = true;
  }

  // Internal

  /** Who receives the person and when; without an answer the page is as good as before. */
  async #look(secret) {
    const response = await this.#post("look", { secret }).catch(() => null);
    if (!response || !response.ok) return;
    const { offices, when, early, mediation, role } = await response.json();
    const part = (name) => this.#section.querySelector(`[data-part=${name}]`);
    if (!part("facts")) return;
    part("offices").textContent = offices;
    part("when").textContent = when;
    part("role").textContent = role;
    part("as").hidden = !role;
    part("facts").hidden = false;
    for (const words of this.#section.querySelectorAll("[data-of]")) words.hidden = (words.dataset.of === "mediation") !== mediation;
    part("early").hidden = part("check").hidden = !early;
  }

  /** Devices and line are tried days before; the link stays unbound, and its secret in the address. */
  async #check() {
    const response = await this.#post("check/begin", { secret: this.#secret }).catch(() => null);
    if (response && response.ok) return location.assign((await response.json()).next);
    return this.#showProblem(response && response.status === 403 ? ((await response.json()).error || {}).code : "service_down");
  }

  #post(what, body) {
    return fetch(`/j/${this.#code}/${what}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  async #start() {
    if (this.#busy) return;
    this.#busy = true;
    this.#button.textContent = t("正在打开…");
    const secret = location.hash.slice(1);
    try {
      // On a device that is known already there is nothing to exchange.
      const known = this.#section.dataset.next;
      if (known) history.replaceState(null, "", location.pathname);
      const { next, problem } = known ? { next: known } : await this.#exchange(secret);
      if (problem) this.#showProblem(problem);
      else location.assign(next);
    } catch {
      this.#showProblem("service_down");
    }
  }

  /** @returns {Promise<{next?: string, problem?: string}>} where to go, or the name of the problem */
  async #exchange(secret) {
    if (!secret) return { problem: "link_invalid" };
    const response = await this.#post("exchange", { secret });
    if (response.status >= 500) throw new Error(String(response.status));
    history.replaceState(null, "", location.pathname);
    const body = await response.json().catch(() => ({}));
    if (response.ok) return { next: body.next };
    this.#secret = secret;
    return { problem: response.status === 429 ? "service_down" : (body.error || {}).code || "link_invalid" };
  }

  /** Asks the staff for a new link or another device; they see whose link it was, nobody else does. */
  async #askForHelp(problem, button, name) {
    button.disabled = true;
    const asked = this.#post("help", { secret: this.#secret, problem: name });
    const response = await asked.catch(() => ({ ok: false }));
    button.disabled = response.ok;
    const told = problem.querySelector("[data-help-asked]");
    if (!response.ok) told.textContent = t("没有提交成功，请打电话联系。");
    button.hidden = response.ok;
    told.hidden = false;
    told.focus();
    if (response.ok && name === "link_in_use") setTimeout(() => this.#await(told), ASK_AGAIN);
  }

  /** Until an official has answered; without the network it asks again. */
  async #await(told) {
    const response = await this.#post("look", { secret: this.#secret }).catch(() => null);
    const answered = response && response.ok ? (await response.json()).other_device : null;
    if (answered && answered.state === "refused") {
      told.textContent = t("工作人员没有同意：{0}", answered.answer);
      return told.focus();
    }
    if (!answered || answered.state !== "granted") return setTimeout(() => this.#await(told), ASK_AGAIN);
    told.textContent = t("工作人员同意了，正在打开…");
    const { next } = await this.#exchange(this.#secret).catch(() => ({}));
    return next ? location.assign(next) : setTimeout(() => this.#await(told), ASK_AGAIN);
  }

  #showProblem(name) {
    const problem = document.querySelector(`[data-problem="${name}"]`) || document.querySelector("[data-problem=link_invalid]");
    this.#section.hidden = true;
    problem.hidden = false;
    document.title = t("{0} · 连心桥", problem.querySelector("h1").textContent);
    problem.querySelector("h1").focus();
    const check = problem.querySelector("[data-action=check]");
    if (check && this.#secret) check.hidden = false;
    const help = problem.querySelector("[data-help]");
    if (!help || !this.#secret) return;
    help.hidden = false;
    help.addEventListener("click", () => this.#askForHelp(problem, help, name));
  }
}

markReady();
const section = document.querySelector("[data-screen=landing]");
if (section) new Landing(section);
