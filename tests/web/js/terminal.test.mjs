import assert from "node:assert/strict";
import { test } from "node:test";
import { patienceOf } from "../../../web/static/js/terminal/patience.js";

const at = (screen, path = "/j/abc/room") => patienceOf({ screen, path }, 120);

test("nobody is asked whether they are there while they talk", () => {
  for (const screen of ["called", "session", "held", "help", "leaving"]) assert.equal(at(screen), Infinity);
});

test("who waits is asked seldom, who is done soon", () => {
  assert.equal(at("waiting"), 900);
  assert.equal(at("away"), 900);
  assert.equal(at("switch_on"), 120);
  assert.equal(at(null, "/j/abc/minutes"), 120);
  for (const screen of ["left", "done", "sent_away", "replaced"]) assert.ok(at(screen) < 60);
  for (const page of ["declined", "receipt"]) assert.ok(at(null, `/j/abc/${page}`) < 60);
  assert.equal(patienceOf({ screen: "done", path: "/" }, 20), 20);
});
