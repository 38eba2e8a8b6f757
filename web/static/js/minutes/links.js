import { Emitter } from "../emitter.js";
import { t } from "../translate.js";

const ASK_EVERY = 2000;

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The sheet over the room's connection. Events: `ready`, `sheet` (view), `changed` (push). */
export class RoomLink extends Emitter {
  #client;
  #answers = new Map();
  #asked = [];

  /** @param {import("../signaling/client.js").SignalingClient} client */
  constructor(client) {
    super();
    this.#client = client;
    client.on("welcome", () => setTimeout(() => this.emit("ready")));
    client.on("minutes", ({ minutes }) => this.#sheet(minutes));
    client.on("minutes.paragraph", (push) => {
      this.#answers.set(push.edit_id, push);
      this.emit("changed", push);
    });
  }

  get ready() { return this.#client.state === "connected"; }

  async fetch() {
    const told = new Promise((resolve) => this.#asked.push(resolve));
    await this.#client.request("minutes.fetch");
    return told;
  }

  /** The push of a change comes before the answer to it. */
  async send(change) {
    await this.#client.request("minutes.change", change);
    const push = this.#answers.get(change.edit_id);
    this.#answers.clear();
    if (!push) throw new Refusal("timeout", "");
    return push;
  }

  begin(template) { return this.#client.request("minutes.begin", { template }); }
  move(state) { return this.#client.request("minutes.move", { state }); }
  show(shown) { return this.#client.request("minutes.show", { shown }); }
  letWrite(speakerId, allowed) { return this.#client.request("minutes.let_write", { speaker_id: speakerId, allowed }); }

  // Internal

  #sheet(minutes) {
    for (const resolve of this.#asked.splice(0)) resolve(minutes);
    this.emit("sheet", minutes);
  }
}

/** The sheet over the addresses of its page, for the time after the sitting. Asks every two seconds. */
export class PageLink extends Emitter {
  #address;
  #token;
  #known = "";
  ready = true;

  constructor(address, token) {
    super();
    this.#address = address;
    this.#token = token;
    setInterval(() => this.#look(), ASK_EVERY);
    window.addEventListener("online", () => this.#look());
  }

  async fetch() {
    const view = await this.#ask("/sheet", {});
    this.#known = view?.known || "";
    return view;
  }

  send(change) {
    return this.#ask("/changes", { method: "POST", body: JSON.stringify(change), headers: { "Content-Type": "application/json", "X-CSRF-Token": this.#token } });
  }

  // Internal

  async #look() {
    if (document.visibilityState !== "visible") return;
    try {
      const view = await this.#ask(`/sheet?after=${this.#known}`, {});
      if (!this.ready) {
        this.ready = true;
        this.emit("ready");
      }
      if (view?.paragraphs) {
        this.#known = view.known;
        this.emit("sheet", view);
      }
    } catch { /* Told by `ready`; the next look comes soon. */ }
  }

  async #ask(path, options) {
    let answer;
    try {
      answer = await fetch(this.#address + path, { ...options, headers: { Accept: "application/json", ...options.headers } });
    } catch {
      this.ready = false;
      throw new Refusal("disconnected", "");
    }
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    throw new Refusal(body.error?.code || "internal", body.error?.message || t("没有保存，请刷新页面后再试。"));
  }
}
