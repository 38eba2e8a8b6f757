import { Emitter } from "../emitter.js";
import { Backoff } from "./backoff.js";
import { t, told } from "../translate.js";

/** A command the server refused, or that was lost with the socket (`disconnected`, `timeout`). */
export class SignalingError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] plain Chinese, fit to be shown
   */
  constructor(code, message = "") {
    super(message || code);
    this.code = code;
  }
}

const PROTOCOL_VERSION = 1;
const PING_EVERY = 3000;
const SILENT_AFTER = 12000;
const REQUEST_TIMEOUT = 10000;
/** Answers to the ticket request after which asking again cannot help. */
const FINAL_STATUS = new Set([400, 401, 403, 404, 410, 422]);
/** Close codes after which this page must not come back by itself. */
const FINAL_CLOSE = new Map([[1000, "closed"], [4403, "refused"], [4409, "replaced"], [4410, "removed"]]);

/**
 * One WebSocket to the room server, kept alive: fetches a ticket, authenticates, answers requests by
 * id, and comes back on the same seat after a loss.
 *
 * Events: `state` ("connecting" | "connected" | "waiting" | "ended"), `ended` ({reason, message}),
 * and every push of the server under its own type.
 */
export class SignalingClient extends Emitter {
  #boot;
  #alive;
  #environment;
  #backoff;
  #socket = null;
  #state = "idle";
  #pending = new Map();
  #nextId = 1;
  #heard = 0;
  #heartbeat = null;
  #retry = null;
  #generation = 0;
  /** What the server said of an `authenticate` that it refused; the close that follows carries no words. */
  #said = "";

  /**
   * @param {import("../boot.js").Boot} boot
   * @param {() => {publish: boolean, subscribe: boolean}} alive whether media still flows, asked at each resume
   * @param {object} [environment] browser functions, replaced in tests
   */
  constructor(boot, alive, environment = {}) {
    super();
    this.#boot = boot;
    this.#alive = alive;
    this.#environment = {
      fetch: (...args) => fetch(...args),
      openSocket: (url) => new WebSocket(url),
      origin: typeof location === "undefined" ? "" : location.origin,
      now: () => performance.now(),
      random: Math.random,
      ...environment,
    };
    this.#backoff = new Backoff(this.#environment.random);
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#state === "idle") this.#connect();
  }

  /** Come back at once: the page became visible or the network returned. */
  retryNow() {
    if (this.#state === "connected") this.#beat();
    if (this.#state !== "waiting") return;
    this.#backoff.reset();
    this.#connect();
  }

  /** Leave for good. */
  stop(reason = "left", message = "") {
    if (this.#state === "ended") return;
    this.#generation += 1;
    clearTimeout(this.#retry);
    this.#dropSocket();
    this.#moveTo("ended");
    this.emit("ended", { reason, message });
  }

  /** Start anew after `ended`, for the take-back button. */
  restart() {
    if (this.#state !== "ended") return;
    this.#backoff.reset();
    this.#connect();
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the `ok` answer
   */
  request(type, fields = {}) {
    if (this.#state !== "connected") return Promise.reject(new SignalingError("disconnected", t("连接中断，请稍候再试")));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, (entry) => entry.reject(new SignalingError("timeout", t("服务器没有回应，请再试一次")))), REQUEST_TIMEOUT);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send({ type, id, ...fields });
    });
  }

  // Internal

  async #connect() {
    const generation = ++this.#generation;
    clearTimeout(this.#retry);
    this.#moveTo("connecting");
    try {
      const opened = this.#open(generation);
      const ticket = await this.#fetchTicket();
      await opened;
      if (generation === this.#generation) this.#authenticate(ticket);
    } catch (error) {
      if (generation !== this.#generation) return;
      if (error instanceof SignalingError) this.stop(error.code, error.message);
      else this.#waitAndRetry();
    }
  }

  async #fetchTicket() {
    const response = await this.#environment.fetch(this.#boot.ticket_url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.#boot.csrf_token || "" },
      body: "{}",
    });
    if (response.ok) return (await response.json()).ticket;
    if (!FINAL_STATUS.has(response.status)) throw new Error(`ticket: ${response.status}`);
    const body = await response.json().catch(() => ({}));
    throw new SignalingError("refused", (body.error || {}).message || "");
  }

  /** @returns {Promise<void>} never settled when the socket is lost before */
  #open(generation) {
    const path = this.#boot.ws_url || "/ws";
    const socket = this.#environment.openSocket(new URL(path, this.#environment.origin).href.replace(/^http/, "ws"));
    this.#socket = socket;
    this.#heard = this.#environment.now();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => {
      if (generation === this.#generation) this.#closed(event);
    };
    this.#heartbeat = setInterval(() => this.#beat(), PING_EVERY);
    return new Promise((resolve) => (socket.onopen = resolve));
  }

  #authenticate(ticket) {
    const alive = this.#alive();
    this.#send({
      type: "authenticate",
      id: this.#nextId++,
      version: PROTOCOL_VERSION,
      ticket,
      publish_alive: alive.publish,
      subscribe_alive: alive.subscribe,
    });
  }

  #receive(text) {
    this.#heard = this.#environment.now();
    const message = JSON.parse(text);
    if (message.message) message.message = told(message.message, message.code);
    if (message.type === "ok") return this.#settle(message.id, (entry) => entry.resolve(message));
    if (message.type === "error") return this.#refused(message);
    if (message.type === "welcome") {
      this.#backoff.reset();
      this.#said = "";
      this.#moveTo("connected");
    }
    return this.emit(message.type, message);
  }

  #refused(message) {
    const error = new SignalingError(message.code, message.message);
    if (this.#settle(message.id, (entry) => entry.reject(error))) return;
    if (this.#state === "connecting") this.#said = message.message || "";
    this.emit("error", error);
  }

  #settle(id, finish) {
    const entry = this.#pending.get(id);
    if (!entry) return false;
    this.#pending.delete(id);
    clearTimeout(entry.timer);
    finish(entry);
    return true;
  }

  #beat() {
    if (this.#environment.now() - this.#heard > SILENT_AFTER) return this.#closed({ code: 1006 });
    if (this.#state === "connected") this.#send({ type: "ping", id: this.#nextId++ });
    return undefined;
  }

  #closed(event) {
    this.#generation += 1;
    const final = FINAL_CLOSE.get(event.code);
    if (final) this.stop(final, event.reason || this.#said);
    else this.#waitAndRetry();
  }

  #waitAndRetry() {
    this.#dropSocket();
    this.#moveTo("waiting");
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  #dropSocket() {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id, (entry) => entry.reject(new SignalingError("disconnected", t("连接中断，请稍候再试"))));
    }
  }

  #send(message) {
    if (this.#socket && this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #moveTo(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }
}
