import assert from "node:assert/strict";
import { test } from "node:test";
import { clearUntil, CommonClock, covers, largeAt, steer, turnsOf } from "../../../web/static/js/replay/tracks/ranges.js";

const ranges = (...spans) => ({ length: spans.length, start: (n) => spans[n][0], end: (n) => spans[n][1] });

test("a moment is held when a stretch begins at most a picture after it", () => {
  const held = ranges([0.05, 6], [14, 20]);
  assert.deepEqual([0, 5.99, 6, 10, 13.9, 14, 20].map((time) => covers(held, time)), [true, true, false, false, false, true, false]);
});

test("the past is let go of up to a key frame only", () => {
  assert.equal(clearUntil([0, 40, 90], 89), 40);
  assert.equal(clearUntil([50], 49), null);
});

test("a track that is off is hurried, slowed or moved, and left alone when it is near", () => {
  assert.deepEqual(steer(0.01, 1, false), { move: false, rate: 1 });
  assert.ok(steer(0.03, 1, false).rate < 1 && steer(-0.03, 2, false).rate > 2);
  assert.ok(steer(0.01, 1, true).rate < 1, "what is steered is brought all the way");
  assert.equal(steer(-0.2, 1, false).rate, 1.1);
  assert.equal(steer(0.4, 1, false).move, true);
  assert.equal(steer(0.4, 2, false).move, false, "faster playing is coarser");
});

test("the common clock stands, runs and changes its rate without a jump", () => {
  let now = 0;
  const clock = new CommonClock(() => now);
  now = 5000;
  assert.equal(clock.time, 0);
  clock.run(true);
  now = 7000;
  clock.rate = 3;
  assert.equal(clock.time, 2);
  now = 8000;
  assert.equal(clock.time, 5);
  clock.run(false);
  now = 60000;
  assert.equal(clock.time, 5);
  clock.time = 1;
  clock.run(true);
  now = 61000;
  assert.equal(clock.time, 4);
});

test("who is large", () => {
  const turns = turnsOf([{ key: "a", spans: [[0, 5], [20, 21]] }, { key: "b", spans: [[6, 9], [12, 15]] }]);
  assert.deepEqual(turns, [[0, "a"], [6, "b"]], "a yes takes no turn, and nobody takes it from themselves");
  const known = { chosen: "c", shown: [], turns };
  assert.deepEqual(["session", "grid", "speaker", "spotlight"].map((each) => largeAt(each, 7, known)), ["", "", "b", "c"]);
  const paper = { ...known, shown: ["a-screen"] };
  assert.deepEqual(["session", "grid", "speaker", "spotlight"].map((each) => largeAt(each, 7, paper)), ["a-screen", "", "a-screen", "c"]);
});
