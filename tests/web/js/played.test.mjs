import assert from "node:assert/strict";
import test from "node:test";
import { MOST_IN_REPORT, Played, spelled } from "../../../web/static/js/replay/played.js";

const play = (played, from, to) => {
  for (let at = from; at <= to; at += 0.25) played.tick(at, true);
};

test("a stretch goes from where playing began to where it stopped", () => {
  const played = new Played();
  play(played, 10, 14);
  played.tick(14.2, false);
  assert.deepEqual(played.take(), [[10_000, 14_200]]);
  assert.deepEqual(played.take(), []);
});

test("a jump ends a stretch and what lies between was not played", () => {
  const played = new Played();
  play(played, 0, 2);
  played.jump();
  play(played, 60, 61);
  played.tick(30, true); // Without a word: backwards is a jump too.
  played.tick(31, true);
  assert.deepEqual(played.take(), [[0, 2000], [60_000, 61_000], [30_000, 31_000]]);
});

test("what is reported while it plays goes on in the next report without a hole", () => {
  const played = new Played();
  play(played, 0, 5);
  assert.deepEqual(played.take(), [[0, 5000]]);
  play(played, 5.25, 7);
  assert.deepEqual(played.take(), [[5000, 7000]]);
});

test("a film that stands still, a click and no film are nothing", () => {
  const played = new Played();
  for (let n = 0; n < 9; n += 1) played.tick(5, false);
  played.tick(5, true);
  played.tick(5.05, false);
  played.tick(NaN, true);
  assert.deepEqual(played.take(), []);
});

test("a report that did not arrive comes first in the next one, and none is too long", () => {
  const played = new Played();
  play(played, 0, 1);
  const lost = played.take();
  for (let n = 0; n < MOST_IN_REPORT; n += 1) {
    played.jump();
    play(played, 10 * n + 10, 10 * n + 11);
  }
  played.putBack(lost);
  const next = played.take();
  assert.equal(next.length, MOST_IN_REPORT);
  assert.equal(spelled(next.slice(0, 2)), "0-1000 10000-11000");
  assert.equal(played.take().length, 1);
});
