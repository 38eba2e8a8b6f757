import assert from "node:assert/strict";
import test from "node:test";
import { screenOf } from "../../../web/static/js/citizen/journey.js";

const START = { captured: false, step: "switch_on", place: "none", aside: null, away: false, arrived: false, farewell: null };
const at = (changes) => screenOf({ ...START, ...changes });

test("the way from the first tap to the session", () => {
  assert.equal(at({}), "switch_on");
  assert.equal(at({ place: "lobby", captured: true, step: "check_picture" }), "check_picture");
  assert.equal(at({ place: "lobby", captured: true, step: "passed" }), "waiting");
  assert.equal(at({ place: "room", captured: true, step: "passed" }), "called");
  assert.equal(at({ place: "room", captured: true, step: "passed", arrived: true }), "session");
  assert.equal(at({ place: "closed", captured: true }), "done");
});

test("who is called in the middle of the check goes straight in", () => {
  assert.equal(at({ place: "room", captured: true, step: "check_voice", arrived: true }), "session");
});

test("a reload inside the room asks for one tap, not for a new check", () => {
  assert.equal(at({ place: "room" }), "resume");
});

test("while the officials confer there is the calm page, and help is a tap away", () => {
  assert.equal(at({ place: "room", captured: true, arrived: true, held: true }), "held");
  assert.equal(at({ place: "room", captured: true, held: true }), "held");
  assert.equal(at({ place: "room", captured: true, arrived: true, held: true, aside: "help" }), "help");
  assert.equal(at({ place: "lobby", captured: true, step: "passed", held: true }), "waiting");
});

test("asides stand over the session only", () => {
  assert.equal(at({ place: "room", captured: true, arrived: true, aside: "leaving" }), "leaving");
  assert.equal(at({ place: "lobby", captured: true, step: "passed", away: true }), "away");
});

test("each farewell has its page, an unknown one too", () => {
  for (const [reason, screen] of [["closed", "done"], ["left", "left"], ["replaced", "replaced"], ["denied", "sent_away"], ["removed", "sent_away"], ["refused", "sent_away"], ["?", "left"]]) {
    assert.equal(at({ farewell: { reason } }), screen);
  }
});
