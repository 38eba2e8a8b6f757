import assert from "node:assert/strict";
import test, { mock } from "node:test";

globalThis.window = { location: { search: "" }, isSecureContext: true };
globalThis.document = { visibilityState: "visible", getElementById: () => null };
globalThis.RTCPeerConnection = class {};
globalThis.MediaStream = class {
  constructor(tracks = []) { this.tracks = [...tracks]; }
  getTracks() { return this.tracks; }
  addTrack(track) { this.tracks.push(track); }
  removeTrack(track) { this.tracks = this.tracks.filter((each) => each !== track); }
};
const { Capture } = await import("../../../web/static/js/media/capture.js");
const { AudioOutput } = await import("../../../web/static/js/media/output.js");

/** Devices that note what they are asked for; `busy` is a telephone call. */
class Phone {
  asked = [];
  given = [];
  busy = false;

  constructor() {
    const mediaDevices = { getUserMedia: async ({ audio, video }) => this.#give({ audio, video }) };
    Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  }

  track(kind) { return this.given.findLast((track) => track.kind === kind); }

  end(kind) {
    const track = this.track(kind);
    track.readyState = "ended";
    track.onended();
  }

  #give(wanted) {
    const kinds = ["audio", "video"].filter((kind) => wanted[kind]);
    const twice = this.given.filter((track) => track.readyState === "live" && kinds.includes(track.kind));
    assert.deepEqual(twice, [], "a second capture of a kind mutes the first one");
    this.asked.push(kinds.join("+"));
    if (this.busy) throw Object.assign(new Error("busy"), { name: "NotReadableError" });
    const tracks = kinds.map((kind) => ({ kind, readyState: "live", muted: false, stop() { this.readyState = "ended"; } }));
    this.given.push(...tracks);
    return new MediaStream(tracks);
  }
}

const settle = async () => { for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); };
const silenced = (capture) => [...capture.silenced];

test("what a call took is asked for again, what is still given is not", async () => {
  const phone = new Phone(), capture = new Capture({});
  await capture.open();
  phone.end("audio");
  await settle();
  assert.deepEqual(phone.asked, ["audio+video", "audio"]);
  assert.deepEqual(silenced(capture), []);
  assert.equal(capture.tracks.get("microphone"), phone.track("audio"));
});

test("what does not come back by itself is said, until it does", async () => {
  const phone = new Phone(), capture = new Capture({});
  let told = 0;
  capture.on("silenced", () => { told += 1; });
  await capture.open();
  phone.busy = true;
  phone.end("video");
  await settle();
  assert.deepEqual([silenced(capture), told], [["camera"], 1]);
  await assert.rejects(capture.recover(), { cause: "in_use" });
  phone.busy = false;
  await capture.recover();
  assert.deepEqual([silenced(capture), told], [[], 3]);
  assert.deepEqual(phone.asked, ["audio+video", "video", "video", "video"]);
  phone.busy = true;
  phone.end("video");
  await settle();
  capture.setEnabled("camera", false);
  assert.deepEqual(silenced(capture), [], "who wants no picture misses none");
});

test("a muted track has two seconds to come back; then it is asked for anew", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const phone = new Phone(), capture = new Capture({});
  await capture.open();
  const muted = phone.track("audio");
  for (const [back, asked] of [[true, ["audio+video"]], [false, ["audio+video", "audio"]]]) {
    muted.muted = true;
    muted.onmute();
    mock.timers.tick(1900);
    if (back) muted.muted = false;
    mock.timers.tick(200);
    await settle();
    assert.deepEqual(phone.asked, asked);
  }
  assert.equal(muted.readyState, "ended");
  mock.timers.reset();
});

/** An element that a browser lets play after a tap, and that others may stop. */
class Sound {
  static tapped = false;
  paused = true;
  async play() {
    if (!Sound.tapped) throw Object.assign(new Error("tap"), { name: "NotAllowedError" });
    this.paused = false;
  }
}

test("sound that waits for a tap says so, and what was stopped goes on by itself", async () => {
  const made = [], told = [];
  globalThis.Audio = class extends Sound { constructor() { super(); made.push(this); } };
  const output = new AudioOutput(), track = {};
  for (const name of ["blocked", "unblocked"]) output.on(name, () => told.push(name));
  output.attach("host", track);
  await settle();
  output.attach("host", track);
  await settle();
  assert.deepEqual(told, ["blocked"]);
  Sound.tapped = true;
  output.unlock();
  await settle();
  assert.deepEqual(told, ["blocked", "unblocked"]);
  made[0].paused = true;
  output.attach("host", track);
  assert.equal(made[0].paused, false);
  made[0].paused = true;
  output.resume();
  assert.equal(made[0].paused, false);
  Sound.tapped = false;
  const picture = Object.assign(new Sound(), { srcObject: new MediaStream([{}]) });
  output.play(picture);
  await settle();
  assert.deepEqual(told.slice(2), ["blocked"], "a phone that saves power wants a tap for pictures too");
  picture.srcObject = null;
  output.resume();
  made[0].paused = true;
  Sound.tapped = true;
  output.resume();
  await settle();
  assert.deepEqual(told.slice(3), ["unblocked"], "nobody waits for a picture that left");
});
