import assert from "node:assert/strict";
import test from "node:test";
import { find, fold, parts } from "../../../web/static/js/replay/passages.js";
import { merge, Way } from "../../../web/static/js/replay/spans.js";

test("speeches near to each other are one stretch, with a breath before and after", () => {
  assert.deepEqual(merge([[20, 30], [1, 4], [6, 8]], 0.5, 3), [[0.5, 8.5], [19.5, 30.5]]);
  assert.deepEqual(merge([[0, 10], [2, 3]]), [[0, 10]]);
  assert.deepEqual(merge([]), []);
});

test("between two stretches the film goes on at the next, after the last at its end", () => {
  const way = new Way([[10, 20], [40, 50]], 60);
  assert.deepEqual([0, 10, 19.9, 20, 39, 45, 50].map((at) => way.next(at)), [10, null, null, 40, 40, null, 60]);
  assert.equal(way.left, 40);
  assert.deepEqual([way.beside(0, 1), way.beside(10, 1), way.beside(45, 1)], [10, 40, null]);
  assert.deepEqual([way.beside(45, -1), way.beside(11, -1)], [40, null]);
  assert.deepEqual([way.back(30, 5), way.back(30, 15), way.back(5, 15)], [15, 10, null]);
  assert.ok(new Way([[70, 80]], 60).empty);
});

test("words are found in any width and case, all of them, in the order of time", () => {
  const passages = [{ seconds: 9, text: "承诺三日内恢复供暖（ＡＢＣ）" }, { seconds: 2, text: "供暖不足 abc" }, { seconds: 5, text: "别的" }];
  assert.deepEqual(find(passages, " 供暖  Abc ").map((hit) => hit.seconds), [2, 9]);
  assert.deepEqual(find(passages, "  "), []);
  assert.equal(fold("ＡbC１"), "abc1");
});

test("what was looked for is marked where it stands", () => {
  assert.deepEqual(parts("供暖不足，恢复供暖", "供暖 不"), [["供暖不", true], ["足，恢复", false], ["供暖", true]]);
  assert.deepEqual(parts("没有", "供暖"), [["没有", false]]);
  assert.deepEqual(parts("ﬁ", "f"), [["ﬁ", false]]);
});
