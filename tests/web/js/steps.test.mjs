import assert from "node:assert/strict";
import { test } from "node:test";

import { standing, stepsOf } from "../../../web/static/js/minutes/steps.js";
import { unsignedWarning } from "../../../web/static/js/room/roster.js";

const sheet = (state, more = {}) => ({ state, writable: true, open_objections: 0, unsigned: [], ...more });
const open = (view, unsent = false) => stepsOf(view, unsent).map(([to]) => to);

test("nothing is signed over an objection or over words that are not saved", () => {
  assert.deepEqual(open(sheet("drafting")), ["read_back"]);
  assert.deepEqual(open(sheet("drafting"), true), ["read_back"]);
  assert.deepEqual(open(sheet("read_back")), ["drafting", "signing"]);
  assert.deepEqual(open(sheet("read_back", { open_objections: 1 })), ["drafting"]);
  assert.deepEqual(open(sheet("read_back"), true), ["drafting"]);
  assert.deepEqual(open(sheet("signing")), []);
  assert.deepEqual(open(sheet("drafting", { writable: false })), []);
});

test("how the minutes stand is told in a sentence", () => {
  assert.match(standing(sheet("read_back", { open_objections: 2 })), /2 条意见还没有答复/);
  assert.match(standing(sheet("signing", { unsigned: ["王某", "李某"] })), /王某、李某/);
  assert.match(standing(sheet("signing")), /主持人签字定稿/);
  assert.match(standing(sheet("locked")), /不能再改/);
});

test("closing says what happens to minutes without signatures", () => {
  assert.match(unsignedWarning(null), /还没有笔录/);
  for (const state of ["drafting", "read_back", "signing"]) assert.match(unsignedWarning(state), /不再录像/);
  assert.equal(unsignedWarning("locked"), "");
});
