import assert from "node:assert/strict";
import { test } from "node:test";
import { comboOf, MarkKeys, said, shown } from "../../../web/static/js/room/mark_keys.js";
import { TAKEN } from "../../../web/static/js/room/shortcuts.js";

const pressed = (code, ...held) => ({ code, ctrlKey: held.includes("ctrl"), altKey: held.includes("alt"), shiftKey: held.includes("shift"), metaKey: false });
function storage(kept = {}) {
  return { kept, getItem: (name) => kept[name] ?? null, setItem: (name, value) => (kept[name] = value), removeItem: (name) => delete kept[name] };
}

test("a mark is set by its usual key until another is chosen, which a reload finds again", () => {
  const store = storage();
  const keys = new MarkKeys(store, TAKEN);
  assert.equal(keys.kindOf(pressed("Digit1", "ctrl", "shift")), "key");
  assert.equal(keys.kindOf(pressed("Digit1", "alt", "shift")), undefined);
  assert.equal(keys.change("key", comboOf(pressed("F8"))), "");
  assert.equal(keys.kindOf(pressed("F8")), "key");
  assert.equal(keys.kindOf(pressed("Digit1", "ctrl", "shift")), undefined, "the old key sets nothing");
  const again = new MarkKeys(store, TAKEN);
  assert.equal(again.of("key"), "F8");
  assert.equal(again.changed, true);
  again.reset();
  assert.equal(new MarkKeys(store, TAKEN).of("key"), "Control+Shift+Digit1");
  assert.deepEqual(store.kept, {});
});

test("no key has two meanings, and browsers keep theirs", () => {
  const keys = new MarkKeys(storage(), TAKEN);
  assert.equal(keys.change("key", comboOf(pressed("KeyM", "alt", "shift"))), "taken");
  assert.equal(keys.change("key", comboOf(pressed("Digit2", "ctrl", "shift"))), "other_mark");
  for (const combo of ["KeyA", "Control+Shift+KeyT", "F5", "Meta+F8", "Shift+F8", ""]) assert.equal(keys.change("key", combo), "not_allowed");
  assert.equal(keys.change("key", "Alt+Shift+KeyJ"), "");
  assert.equal(comboOf(pressed("ShiftLeft", "shift")), "", "half a key is none");
});

test("what was kept by somebody else is believed only where it could be chosen", () => {
  for (const kept of ["{", "null", '{"key":"KeyA"}', '{"key":"F8","promise":"F8","dispute":"F9","care":"F10"}', '{"key":"Alt+Shift+KeyM","promise":"F8","dispute":"F9","care":"F10"}']) {
    assert.equal(new MarkKeys(storage({ "lianxin.mark_keys": kept }), TAKEN).of("key"), "Control+Shift+Digit1", kept);
  }
  const refusing = { getItem() { throw new Error("private"); }, setItem() { throw new Error("private"); }, removeItem() {} };
  const keys = new MarkKeys(refusing, TAKEN);
  assert.equal(keys.change("care", "F9"), "");
  assert.equal(keys.of("care"), "F9", "for this page at least");
});

test("keys are told as they stand on the keyboard", () => {
  assert.equal(shown("Control+Shift+Digit3"), "Ctrl+Shift+3");
  assert.equal(said("Alt+Shift+KeyJ"), "Alt+Shift+J");
});
