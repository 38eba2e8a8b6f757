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
