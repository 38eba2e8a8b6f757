import { Emitter } from "../emitter.js";
import { SignalingClient } from "../signaling/client.js";
import { PublishPeer, SubscribePeer } from "./peers.js";

const RETRY_MEDIA = 3000;

/**
 * This page's part in a session: one signaling client, one publish and one subscribe peer, and the
 * last state the server told. Pages read the getters after each `changed`.
 *
 * Events: `changed`, `welcome`, `admitted`, `moved_to_lobby`, `tracks` (list), `chat`, `marks`,
 * `media` (state), `hosting` (whether this person conducts now), `ended` ({reason, message}), `problem` (a sentence to show).
 */
export class Call extends Emitter {
  #client;
  #capture;
  #publisher;
  #subscriber;
  #me = null;
  #place = "none";
  #rights = new Set();
  #session = null;
  #room = null;
  #queue = null;
  #farewell = null;
  #mediaLost = false;
  #clockOffset = 0;
  #joinedAt = null;
  #refused = false;
  #veiled = false;
  #publishSoon = null;
  #watched = null;

  constructor(boot, capture) {
    super();
    this.#capture = capture;
    this.#client = new SignalingClient(boot, () => ({ publish: this.#publisher.alive, subscribe: this.#subscriber.alive }));
    this.#publisher = new PublishPeer((offer) => this.#client.request("publish", offer));
    this.#subscriber = new SubscribePeer((answer) => this.#client.request("answer", answer));
    this.#listenToClient();
    this.#listenToPeers();
    capture.on("changed", ({ source, track }) => this.#captureChanged(source, track));
    capture.on("enabled", ({ source, enabled }) => this.#tellSource(source, enabled));
  }

  get me() { return this.#me; }
  /** For parts of the page that are fetched when they are asked for. */
  get client() { return this.#client; }
  /** "none" | "lobby" | "room" | "closed" */
  get place() { return this.#place; }
  get session() { return this.#session; }
  get room() { return this.#room; }
  get queue() { return this.#queue; }
  get signaling() { return this.#client.state; }
  get joinedAt() { return this.#joinedAt; }
  get subscriber() { return this.#subscriber; }
  get publisher() { return this.#publisher; }

  /** "idle" | "connecting" | "connected" | "interrupted" */
  get media() {
    const states = [this.#publisher.state, this.#subscriber.state];
    if (this.#mediaLost || states.includes("interrupted")) return "interrupted";
    if (states.includes("connecting")) return "connecting";
    return states.includes("connected") ? "connected" : "idle";
  }

  /** Whether no media worker has room for this sitting yet; asked for again until one has. */
  get overloaded() { return this.#refused; }

  /** @returns {number} milliseconds since the epoch by the server's clock */
  get serverNow() { return Date.now() + this.#clockOffset; }

  /** This person as the room shows them, or null outside it. */
  get myself() {
    return this.#room ? this.#room.participants.find((entry) => entry.participant_id === this.#me) || null : null;
  }

  may(right) { return this.#rights.has(right); }

  start() { this.#client.start(); }
  retryNow() { this.#client.retryNow(); }
  takeBack() { this.#client.restart(); }

  /**
   * Send a command; a refusal is shown by the page and does not throw.
   * @returns {Promise<boolean>} whether the server did it
   */
  async command(type, fields = {}) {
    try {
      await this.#client.request(type, fields);
      return true;
    } catch (error) {
      // What a sitting that is over leaves unanswered is no trouble of the line; that it is over was told.
      if (this.#client.state !== "ended") this.emit("problem", error.message);
      return false;
    }
  }

  /** @param {boolean} hidden whether this page is out of sight; nobody waits for the answer */
  tellPage(hidden) {
    if (this.#client.state === "connected") this.#client.request("page_state", { hidden }).catch(() => {});
  }

  /** @returns {boolean} whether it went out; a server that is too busy may refuse it, and nothing is lost */
  tellQuality(figures) {
    if (this.#client.state !== "connected" || this.#place !== "room") return false;
    this.#client.request("quality", figures).catch(() => {});
    return true;
  }

  /**
   * Fetched once media flows, so that nothing of it stands before the first picture.
   */
  watchNetwork(show) {
    const forget = this.on("media", (state) => {
      if (state !== "connected") return;
      forget();
      import("./network.js").then(({ watchNetwork }) => watchNetwork(this, show), () => {});
    });
  }

  /** What was seen and heard when signaling was away is told as soon as it is back. */
  watch(tiles) {
    this.#watched = tiles;
    if (this.#client.state === "connected" && this.#place === "room") this.#client.request("watch", { tiles }).catch(() => {});
  }

  async leave() {
    this.#farewell = { reason: "left", message: "" };
    await this.#client.request("leave").catch(() => {});
    this.#client.stop("left");
  }

  /** Media came back from a phone call or the background: look at everything again. */
  async wake() {
    await this.#capture.recover().catch(() => {});
    this.retryNow();
    if (this.#place === "room" && this.#publisher.state === "interrupted") this.#publish();
  }

  // Internal: signaling

  #listenToClient() {
    const client = this.#client;
    client.on("state", () => this.#changed());
    client.on("welcome", (message) => this.#welcome(message));
    client.on("room", ({ room }) => this.#roomChanged(room));
    client.on("queue", (queue) => this.#queueChanged(queue));
    client.on("admitted", ({ relays }) => this.#admitted(relays));
    client.on("moved_to_lobby", () => this.#movedToLobby());
    client.on("offer", (offer) => this.#subscriber.accept(offer));
    client.on("layers", ({ source, rids }) => this.#publisher.limit(source, rids));
    client.on("media_lost", () => this.#setMediaLost(true));
    client.on("media_restored", (needs) => this.#negotiate(needs));
    client.on("rights", ({ rights }) => this.#useRights(rights));
    client.on("referred", ({ message }) => this.#goodbye("referred", message));
    client.on("denied", ({ reason }) => this.#goodbye("denied", reason));
    client.on("removed", ({ reason }) => this.#goodbye("removed", reason));
    client.on("session_closed", ({ message }) => this.#goodbye("closed", message));
    client.on("replaced", ({ message }) => this.#goodbye(message ? "moved" : "replaced", message));
    client.on("ended", (farewell) => this.#end(this.#farewell || farewell));
    client.on("error", (error) => this.emit("problem", error.message));
    client.on("chat", (message) => this.emit("chat", message));
    client.on("marks", (message) => this.emit("marks", message));
    client.on("speakers", ({ speaker }) => this.#floorTaken(speaker));
  }

  #welcome(message) {
    this.#me = message.participant_id;
    this.#rights = new Set(message.rights);
    this.#session = message.session;
    this.#clockOffset = Date.parse(message.session.server_time) - Date.now();
    this.#room = message.room;
    this.#queue = message.queue;
    this.#farewell = null;
    this.#useRelays(message.relays);
    this.#enter(message.place);
    this.#veiled = false;
    this.emit("welcome", message);
    if (message.place === "room") this.#negotiate(message.media);
    if (this.#watched) this.watch(this.#watched);
    if (message.place === "closed") this.#goodbye("closed", "");
    this.#changed();
  }

  /** The host's part came or went. */
  #useRights(rights) {
    const could = this.may("close");
    this.#rights = new Set(rights);
    if (could !== this.may("close")) this.emit("hosting", !could);
    this.#changed();
  }

  #enter(place) {
    if (place === "room" && this.#place !== "room") this.#joinedAt = Date.now();
    this.#place = place;
  }

  #roomChanged(room) {
    if (!this.#me) return; // Overtook the welcome, which brings it again together with the rights.
    // The stage was given back for want of a picture.
    if (this.#room && this.#room.presenter === this.#me && room.presenter !== this.#me) this.#capture.present(null);
    this.#room = room;
    this.#session = { ...this.#session, state: room.state, opened_at: room.opened_at };
    const mine = this.myself;
    if (mine) for (const [source, view] of Object.entries(mine.sources)) this.#capture.setLocked(source, view.locked);
    this.#changed();
  }

  /** 屏蔽: what alters the voice is fetched when it is needed; without it the server lets nothing through. */
  #veil() {
    const mine = this.myself;
    if (!mine || mine.veiled === this.#veiled) return;
    this.#veiled = mine.veiled;
    import("./veil.js").then((veil) => veil.set(this, this.#capture, mine.veiled)).catch(() => (this.#veiled = !mine.veiled));
  }

  /** The full state follows only with the next change; a frame must not wait for it. */
  #floorTaken(speaker) {
    const people = this.#room ? this.#room.participants : [];
    const turned = people.filter((person) => person.speaking !== (person.participant_id === speaker));
    for (const person of turned) person.speaking = !person.speaking;
    if (turned.length > 0) this.#changed();
  }

  #queueChanged(queue) {
    this.#queue = queue;
    this.#changed();
  }

  #useRelays(relays) {
    this.#publisher.relays = this.#subscriber.relays = relays;
  }

  #admitted(relays) {
    this.#useRelays(relays);
    this.#enter("room");
    this.emit("admitted");
    this.#negotiate({ publish_needed: true, subscribe_needed: true });
    this.#changed();
  }

  #movedToLobby() {
    this.#enter("lobby");
    this.#closePeers();
    this.#room = null;
    this.emit("moved_to_lobby");
    this.#changed();
  }

  #goodbye(reason, message) {
    this.#farewell = { reason, message };
    if (reason === "closed") this.#place = "closed";
    this.#client.stop(reason, message);
  }

  #end(farewell) {
    this.#closePeers();
    this.#place = farewell.reason === "closed" ? "closed" : "none";
    this.emit("ended", farewell);
    this.#changed();
  }

  // Internal: media

  #listenToPeers() {
    for (const peer of [this.#publisher, this.#subscriber]) {
      peer.on("state", () => {
        this.emit("media", this.media);
        this.#changed();
      });
    }
    this.#publisher.on("remake", () => this.#publish());
    this.#subscriber.on("remake", () => this.#subscribe());
    this.#subscriber.on("tracks", (tracks) => this.emit("tracks", tracks));
  }

  #negotiate({ publish_needed, subscribe_needed }) {
    this.#setMediaLost(false);
    if (subscribe_needed || !this.#subscriber.alive) this.#subscribe();
    if (publish_needed || !this.#publisher.alive) this.#publish();
  }

  /** @param {boolean} anew false: only what is sent has changed, the connection may stay */
  async #publish(anew = true) {
    if (!this.#canNegotiate() || !this.#capture.opened || !this.may("publish")) return;
    try {
      await this.#publisher.publish(this.#capture.tracks, anew);
      this.#refused = false;
      for (const source of this.#capture.tracks.keys()) this.#tellSource(source, this.#capture.isEnabled(source));
    } catch (error) {
      console.warn("publish failed", error);
      if (["stage_taken", "forbidden"].includes(error.code) && this.#capture.tracks.has("screen")) {
        this.emit("problem", error.message);
        return this.#capture.present(null);
      }
      const known = this.#refused;
      this.#refused = error.code === "overloaded";
      if (this.#refused && !known) this.emit("problem", error.message);
      this.#publisher.retryAfter(RETRY_MEDIA);
    }
  }

  async #subscribe() {
    if (!this.#canNegotiate()) return;
    // The offer comes by itself, or never if whoever should send it was replaced meanwhile.
    this.#subscriber.retryAfter(RETRY_MEDIA * 2);
    try {
      await this.#client.request("subscribe");
    } catch (error) {
      console.warn("subscribe failed", error);
      this.#subscriber.retryAfter(RETRY_MEDIA);
    }
  }

  /** While signaling or the media worker is away, `welcome` or `media_restored` will start it again. */
  #canNegotiate() {
    return this.#place === "room" && !this.#mediaLost && this.#client.state === "connected";
  }

  /** Both tracks of one opening change together and make one offer. */
  #captureChanged(source, track) {
    this.#changed();
    if (this.#place !== "room" || this.#publishSoon || track && this.#publisher.replace(source, track)) return;
    this.#publishSoon = Promise.resolve().then(() => {
      this.#publishSoon = null;
      this.#publish(false);
    });
  }

  #tellSource(source, enabled) {
    if (this.#client.state === "connected" && this.#place === "room") {
      this.#client.request("source_state", { source, enabled }).catch(() => {});
    }
  }

  #setMediaLost(lost) {
    this.#mediaLost = lost;
    if (lost) {
      this.#publisher.suspend();
      this.#subscriber.suspend();
    }
    this.#changed();
  }

  #closePeers() {
    this.#publisher.close();
    this.#subscriber.close();
  }

  #changed() {
    this.#veil();
    this.emit("changed");
  }
}
