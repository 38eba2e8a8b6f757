import assert from "node:assert/strict";
import test from "node:test";
import { SignalingClient } from "../../../web/static/js/signaling/client.js";

/** A WebSocket we own: records what is sent, says what the test says. */
class Wire {
  static all = [];
  readyState = 1;
  sent = [];

  constructor(url) {
    this.url = url;
    Wire.all.push(this);
  }

  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }
  drop(code, reason = "") { this.onclose({ code, reason }); }
}

const WELCOME = { type: "welcome", version: 1, participant_id: "p1" };
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

function build(overrides = {}) {
  Wire.all = [];
  const answers = overrides.tickets || [];
  const environment = {
    fetch: async () => answers.shift() || { ok: true, status: 200, json: async () => ({ ticket: "t" }) },
    openSocket: (url) => new Wire(url),
    origin: "https://office.example",
    random: () => 1,
    now: overrides.now || (() => 0),
  };
  const client = new SignalingClient({ ticket_url: "/j/x/ticket" }, () => ({ publish: true, subscribe: false }), environment);
  return client;
}

async function connect(client) {
  client.start();
  await settle();
  const wire = Wire.all.at(-1);
  wire.onopen();
  wire.say(WELCOME);
  return wire;
}

test("authenticates first, with what still runs", async (t) => {
  const client = build();
  t.after(() => client.stop());
  const wire = await connect(client);
  assert.equal(wire.url, "wss://office.example/ws");
  assert.deepEqual(wire.sent[0], { type: "authenticate", id: 1, version: 1, ticket: "t", publish_alive: true, subscribe_alive: false });
  assert.equal(client.state, "connected");
});

test("the socket opens while the ticket is fetched; whichever is later, authenticate follows", async (t) => {
  let give;
  const ticket = { ok: true, status: 200, json: () => new Promise((resolve) => (give = () => resolve({ ticket: "late" }))) };
  const client = build({ tickets: [ticket] });
  t.after(() => client.stop());
  client.start();
  await settle();
  const [wire] = Wire.all;
  wire.onopen();
  await settle();
  assert.deepEqual(wire.sent, []);
  give();
  await settle();
  assert.equal(wire.sent[0].ticket, "late");
});

test("a ticket that comes after its socket was lost is not used", async (t) => {
  let give;
  const ticket = { ok: true, status: 200, json: () => new Promise((resolve) => (give = () => resolve({ ticket: "stale" }))) };
  const client = build({ tickets: [ticket] });
  t.after(() => client.stop());
  client.start();
  await settle();
  Wire.all[0].drop(1006);
  client.retryNow();
  give();
  await settle();
  assert.equal(Wire.all.length, 2);
  for (const wire of Wire.all) {
    if (wire.onopen) wire.onopen();
  }
  await settle();
  assert.deepEqual(Wire.all.map((wire) => wire.sent.map((message) => message.ticket)), [[], ["t"]]);
});

test("answers find their request by id, refusals carry code and sentence", async (t) => {
  const client = build();
  t.after(() => client.stop());
  const wire = await connect(client);
  const first = client.request("raise_hand", { raised: true });
  const second = client.request("open");
  const [, hand, open] = wire.sent;
  wire.say({ type: "error", id: open.id, code: "forbidden", message: "没有权限" });
  wire.say({ type: "ok", id: hand.id });
  assert.equal((await first).type, "ok");
  await assert.rejects(second, (error) => error.code === "forbidden" && error.message === "没有权限");
});

test("a lost socket rejects what is open and comes back with a new ticket", async (t) => {
  const client = build();
  t.after(() => client.stop());
  const wire = await connect(client);
  const lost = client.request("publish", { sdp: "", sources: {} });
  wire.drop(1006);
  await assert.rejects(lost, (error) => error.code === "disconnected");
  assert.equal(client.state, "waiting");
  client.retryNow();
  await settle();
  assert.equal(Wire.all.length, 2);
});

test("a seat opened elsewhere is not fought for", async () => {
  const client = build();
  const ends = [];
  client.on("ended", (farewell) => ends.push(farewell.reason));
  const wire = await connect(client);
  wire.drop(4409);
  assert.equal(client.state, "ended");
  assert.deepEqual(ends, ["replaced"]);
});

test("a refused ticket ends, an unreachable server is asked again", async () => {
  const refusal = { ok: false, status: 403, json: async () => ({ error: { code: "link_invalid", message: "链接已失效" } }) };
  const client = build({ tickets: [{ ok: false, status: 503 }, refusal] });
  const ends = [];
  client.on("ended", (farewell) => ends.push(farewell));
  client.start();
  await settle();
  assert.equal(client.state, "waiting");
  client.retryNow();
  await settle();
  assert.deepEqual(ends, [{ reason: "refused", message: "链接已失效" }]);
});

test("who is refused at the door reads why, although the close has no words", async () => {
  const client = build();
  const ends = [];
  client.on("ended", (farewell) => ends.push(farewell));
  client.start();
  await settle();
  const wire = Wire.all.at(-1);
  wire.onopen();
  await settle();
  wire.say({ type: "error", id: 1, code: "forbidden", message: "您已被请出这场接访" });
  wire.drop(4403);
  assert.deepEqual(ends, [{ reason: "refused", message: "您已被请出这场接访" }]);
});

test("what passes by itself is no refusal: the page comes again", async (t) => {
  const conflict = { ok: false, status: 409, json: async () => ({ error: { code: "conflict", message: "刚刚变了" } }) };
  const client = build({ tickets: [conflict] });
  t.after(() => client.stop());
  client.start();
  await settle();
  assert.equal(client.state, "waiting");
  client.retryNow();
  await settle();
  Wire.all.at(-1).drop(1013);
  assert.equal(client.state, "waiting");
});

test("pushes come out under their own name; one failing listener stops nobody", async (t) => {
  const client = build();
  t.after(() => client.stop());
  const heard = [];
  const silent = t.mock.method(console, "error", () => {});
  client.on("queue", () => { throw new Error("broken"); });
  client.on("queue", (queue) => heard.push(queue.ahead));
  const wire = await connect(client);
  wire.say({ type: "queue", position: 2, ahead: 1, number: "A001", state_text: "" });
  assert.deepEqual(heard, [1]);
  assert.equal(silent.mock.callCount(), 1);
});

test("a page that wakes after a long silence does not wait for its next look at the clock", async (t) => {
  let now = 0;
  const client = build({ now: () => now });
  t.after(() => client.stop());
  const wire = await connect(client);
  client.retryNow();
  assert.equal(wire.sent.at(-1).type, "ping");
  assert.equal(client.state, "connected");
  now = 60000;
  client.retryNow();
  await settle();
  assert.equal(wire.readyState, 3);
  assert.equal(Wire.all.length, 2, "and opens another socket at once");
});
