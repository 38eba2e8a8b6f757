import assert from "node:assert/strict";
import test from "node:test";
import { Backoff } from "../../../web/static/js/signaling/backoff.js";

test("doubles from 0.3 s to 5 s without jitter", () => {
  const backoff = new Backoff(() => 0);
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(waits, [300, 600, 1200, 2400, 4800, 5000, 5000]);
});

test("jitter shortens by at most half, and reset begins again", () => {
  const backoff = new Backoff(() => 0.999999);
  assert.equal(backoff.next(), 150);
  assert.equal(backoff.next(), 300);
  backoff.reset();
  assert.equal(backoff.next(), 150);
});
