import assert from "node:assert/strict";
import test, { mock } from "node:test";

/** A connection that ends as Firefox ends it where there is no network: at once. */
class Hopeless {
  static made = 0;
  connectionState = "new";
  localDescription = { sdp: "v=0" };

  constructor() { Hopeless.made += 1; }
  createOffer() { return {}; }
  async setLocalDescription() {}
  async setRemoteDescription() { this.fail(); }
  close() {}

  fail() {
    this.connectionState = "failed";
    if (this.onconnectionstatechange) this.onconnectionstatechange();
  }
}

test("a connection that cannot be made is tried again with a pause", async () => {
  globalThis.window = { location: { search: "" } };
  globalThis.RTCPeerConnection = Hopeless;
  mock.timers.enable({ apis: ["setTimeout"] });
  const { PublishPeer } = await import("../../../web/static/js/media/peers.js");
  const peer = new PublishPeer(async () => ({ sdp: "v=0" }));
  peer.on("remake", () => peer.publish(new Map()));
  await peer.publish(new Map());
  assert.equal(peer.state, "interrupted");
  for (let second = 0; second < 10; second += 1) {
    mock.timers.tick(1000);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
  assert.ok(Hopeless.made >= 3 && Hopeless.made <= 6, `${Hopeless.made} in ten seconds`);
  peer.close();
  mock.timers.reset();
});

/** A browser that knows these codecs of sound; notes in which order they are wanted. */
async function wantedOf(mimeTypes) {
  let wanted = null;
  globalThis.window = { location: { search: "" } };
  globalThis.RTCPeerConnection = class extends Hopeless {
    addTransceiver() {
      return { mid: "0", setCodecPreferences: (codecs) => { wanted = codecs.map(({ mimeType }) => mimeType); } };
    }
    async setRemoteDescription() {}
  };
  if (mimeTypes) window.RTCRtpSender = { getCapabilities: () => ({ codecs: mimeTypes.map((mimeType) => ({ mimeType })) }) };
  const { PublishPeer } = await import("../../../web/static/js/media/peers.js");
  const peer = new PublishPeer(async () => ({ sdp: "v=0" }));
  await peer.publish(new Map([["microphone", { kind: "audio", getSettings: () => ({}) }]]));
  peer.close();
  return wanted;
}

test("sound repeats itself where the browser can, and is sent plainly where it cannot", async () => {
  assert.deepEqual(await wantedOf(["audio/opus", "audio/G722", "audio/red", "audio/PCMU"]), ["audio/red", "audio/opus"]);
  assert.deepEqual(await wantedOf(["audio/opus", "audio/PCMU"]), ["audio/opus"]);
  assert.equal(await wantedOf(null), null);
});

test("each attempt that comes to nothing is given longer than the one before, up to a quarter of a minute", async () => {
  globalThis.window = { location: { search: "" } };
  globalThis.RTCPeerConnection = class { async setRemoteDescription() {} async setLocalDescription() {} createAnswer() {} getTransceivers() { return []; } close() {} get localDescription() { return { sdp: "" }; } };
  mock.timers.enable({ apis: ["setTimeout"] });
  const { SubscribePeer } = await import("../../../web/static/js/media/peers.js");
  const peer = new SubscribePeer(async () => {});
  const waits = [];
  let waited = 0, session = 0;
  const offer = () => peer.accept({ offer_id: session, sdp: `o=- ${session += 1} 1`, tracks: [{ mid: "0" }] });
  peer.on("remake", () => {
    waits.push(waited);
    waited = 0;
    offer();
  });
  await offer();
  for (let second = 0; second < 60; second += 1) {
    waited += 1;
    mock.timers.tick(1000);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
  assert.deepEqual(waits, [6, 9, 14, 15, 15]);
  peer.close();
  mock.timers.reset();
});
