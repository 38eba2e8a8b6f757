import assert from "node:assert/strict";
import test from "node:test";
import { toggle } from "../../../web/static/js/citizen/showing.js";
import { Emitter } from "../../../web/static/js/emitter.js";

/** A track of a camera that notes whether it was stopped. */
function track(name) {
  return { name, kind: "video", readyState: "live", muted: false, getSettings: () => ({ deviceId: name }), stop() { this.readyState = "ended"; } };
}

/** What of capture.js this module touches. */
class Phone extends Emitter {
  constructor() {
    super();
    this.face = track("front");
    this.tracks = new Map([["camera", this.face]]);
    this.enabled = true;
    this.resting = false;
    this.recovered = 0;
  }
  paintPaper() { return null; }
  isEnabled() { return this.enabled; }
  setEnabled(source, enabled) { this.enabled = enabled; }
  async recover() { this.recovered += 1; }
  present(paper) {
    if (paper) this.tracks.set("screen", paper);
    else this.tracks.delete("screen");
    this.emit("changed", { source: "screen", track: paper });
  }
}

function room(presenter = null) {
  const call = new Emitter();
  call.problems = [];
  call.on("problem", (words) => call.problems.push(words));
  return Object.assign(call, { me: "me", room: { presenter } });
}

/** `open` is asked for the rear camera each time and returns a track or throws. */
function cameras(open, others = []) {
  const mediaDevices = {
    getUserMedia: async ({ video }) => {
      const found = open(video);
      return { getVideoTracks: () => [found] };
    },
    enumerateDevices: async () => ["front", ...others].map((deviceId) => ({ kind: "videoinput", deviceId })),
  };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
}

const refusal = (name) => Object.assign(new Error(name), { name });
const after = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a phone with two cameras at a time shows the face and the paper", async () => {
  const phone = new Phone();
  cameras(() => track("rear"));
  await toggle(room(), phone);
  assert.equal(phone.tracks.get("screen").name, "rear");
  assert.equal(phone.tracks.get("screen").contentHint, "detail");
  await after(1100);
  assert.deepEqual([phone.resting, phone.enabled, phone.face.readyState], [false, true, "live"]);
  await toggle(room("me"), phone);
  assert.equal(phone.tracks.has("screen"), false);
  assert.equal(phone.recovered, 0);
});

test("where one camera works at a time the face rests, and comes back with the paper put away", async () => {
  const phone = new Phone();
  cameras(() => {
    if (phone.face.readyState === "live") throw refusal("NotReadableError");
    return track("rear");
  });
  await toggle(room(), phone);
  assert.equal(phone.tracks.get("screen").name, "rear");
  assert.deepEqual([phone.resting, phone.enabled], [true, false]);
  phone.present(null);
  await after(0);
  assert.deepEqual([phone.resting, phone.enabled, phone.recovered], [false, true, 1]);
});

test("a phone that takes the front camera away a moment later rests it too", async () => {
  const phone = new Phone();
  cameras(() => track("rear"));
  await toggle(room(), phone);
  phone.face.muted = true;
  await after(1100);
  assert.deepEqual([phone.resting, phone.enabled], [true, false]);
  phone.present(null);
  await after(0);
  assert.deepEqual([phone.resting, phone.recovered], [false, 1]);
});

test("a rear camera that never opens gives the face back and says so", async () => {
  const phone = new Phone();
  const call = room();
  cameras(() => { throw refusal("NotReadableError"); });
  await toggle(call, phone);
  assert.equal(phone.tracks.has("screen"), false);
  assert.deepEqual([phone.resting, phone.enabled, phone.recovered], [false, true, 1]);
  assert.match(call.problems[0], /占用/);
});

test("without a rear camera any second camera does, without that the person is told what to do", async () => {
  const phone = new Phone();
  const call = room();
  const open = ({ facingMode, deviceId }) => {
    if (facingMode) throw refusal("OverconstrainedError");
    return track(deviceId.exact);
  };
  cameras(open, ["stand"]);
  await toggle(call, phone);
  assert.equal(phone.tracks.get("screen").name, "stand");
  const other = new Phone();
  cameras(open);
  await toggle(call, other);
  assert.match(call.problems[0], /举到镜头前/);
});

test("while somebody else shows a document nothing is opened", async () => {
  const call = room("somebody");
  cameras(() => assert.fail("a camera was asked for"));
  await toggle(call, new Phone());
  assert.match(call.problems[0], /请等对方结束/);
});
