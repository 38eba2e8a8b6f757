import { markReady, readBoot } from "../boot.js";
import { setText } from "../elements.js";
import { t } from "../translate.js";

/** Officials' consoles are drawn for a desk screen and shrunk into their place. */
const DESK_WIDTH = 1280;

const part = (name) => document.querySelector(`[data-part=${name}]`);
const action = (name) => document.querySelector(`[data-action=${name}]`);

/**
 * The demonstration presses the same buttons in the host's window that a person would press, so what is
 * seen is the product and nothing else.
 */
class Demonstration {
  #frames = [...document.querySelectorAll("iframe[data-party]")];
  #begun = false;
  #trouble = "";
  #host = document.querySelector(".is-host iframe");

  start() {
    for (const frame of this.#frames) this.#fit(frame);
    action("start").addEventListener("click", () => this.#openParties());
    action("admit").addEventListener("click", () => this.#press("[data-command=admit]"));
    action("open").addEventListener("click", () => this.#pressAndConfirm("[data-action=open]"));
    action("close").addEventListener("click", () => this.#pressAndConfirm("[data-action=close]"));
    setInterval(() => this.#update(), 500);
    if (new URLSearchParams(location.search).has("start")) this.#openParties();
  }

  // Internal

  async #openParties() {
    action("start").disabled = true;
    const { open_url, csrf_token } = readBoot();
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf_token };
    const answer = await fetch(open_url, { method: "POST", headers, body: "{}" }).catch(() => null);
    if (!answer || !answer.ok) {
      action("start").disabled = false;
      this.#trouble = t("没有打开成功，请刷新页面再试。");
      return;
    }
    for (const frame of this.#frames) frame.src = frame.dataset.party;
  }

  #fit(frame) {
    if (frame.closest(".is-citizen")) return;
    const holder = frame.parentElement;
    new ResizeObserver(() => {
      const scale = Math.min(1, holder.clientWidth / DESK_WIDTH);
      frame.style.width = `${holder.clientWidth / scale}px`;
      frame.style.height = `${holder.clientHeight / scale}px`;
      frame.style.transform = `scale(${scale})`;
    }).observe(holder);
  }

  #find(selector) {
    const page = this.#host.contentDocument;
    const button = page && page.querySelector(selector);
    return button && !button.hidden && !button.closest("[hidden]") ? button : null;
  }

  #press(selector) {
    const button = this.#find(selector);
    if (button) button.click();
    return Boolean(button);
  }

  #pressAndConfirm(selector) {
    if (this.#press(selector)) this.#press("dialog button[value=yes]");
  }

  #update() {
    const admit = this.#find("[data-command=admit]");
    const found = { admit, open: admit ? null : this.#find("[data-action=open]"), close: this.#find("[data-action=close]") };
    this.#begun = this.#begun || Boolean(found.close);
    for (const [name, button] of Object.entries(found)) action(name).disabled = !button;
    setText(part("note"), this.#advice(found));
  }

  #advice({ admit, open, close }) {
    if (!action("start").disabled) return this.#trouble || t("一台电脑上同时打开四方：信访人、区县、市、省。摄像头和声音是合成的，其余都是真的。");
    if (admit) return t("信访人在等候室。请点「2 准入信访人」。");
    if (open) return t("四方到齐后，请点「3 开始接访」，录音录像随之开始。");
    if (close) return t("正在接访，全程录音录像。看完请点「4 结束接访」，录像会封存到信访件。");
    return this.#begun ? t("接访已结束，录像正在封存。工作人员登录后，可在信访件里回放。") : t("请稍候…");
  }
}

markReady();
new Demonstration().start();
