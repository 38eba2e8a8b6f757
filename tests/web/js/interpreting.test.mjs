import assert from "node:assert/strict";
import test from "node:test";
import { Focus, largeIn } from "../../../web/static/js/media/focus.js";
import { CHOICES, gainsOf, LOWERED } from "../../../web/static/js/media/interpreting.js";
import { AudioOutput } from "../../../web/static/js/media/output.js";

const person = (id, role, more = {}) => ({ participant_id: id, role, tier: null, speaking: false, ...more });
const PEOPLE = [person("host", "host"), person("citizen", "petitioner"), person("voice", "interpreter", { speaking: true })];
const gains = (self, choice, people = PEOPLE) => Object.fromEntries(gainsOf(people, self, choice));

test("nobody misses a word before they chose", () => {
  assert.equal(CHOICES[0][0], "both");
  assert.deepEqual(gains("citizen", "both"), { host: 1, citizen: 1, voice: 1 });
});

test("the interpreter in front with the floor lowered, or the original alone", () => {
  assert.deepEqual(gains("citizen", "interpreted"), { host: LOWERED, citizen: LOWERED, voice: 1 });
  assert.deepEqual(gains("host", "original"), { host: 1, citizen: 1, voice: 0 });
});

test("who interprets hears the floor as it is, and without an interpreter nothing is lowered", () => {
  assert.deepEqual(gains("voice", "interpreted"), { host: 1, citizen: 1, voice: 1 });
  assert.deepEqual(gains("host", "interpreted", PEOPLE.slice(0, 2)), { host: 1, citizen: 1 });
});

test("who interprets does not become the large picture by speaking", () => {
  const room = { participants: PEOPLE, presenter: null, conduct: { layout: "speaker", spotlight: null } };
  assert.equal(largeIn(room, "citizen", new Focus(), 0), "host");
  assert.equal(largeIn({ ...room, conduct: { ...room.conduct, spotlight: "voice" } }, "citizen", new Focus(), 0), "voice");
});

/** An audio element; a phone's does not let a page set how loud it is. */
class FakeAudio {
  static phone = false;
  muted = false;
  #volume = 1;
  get volume() { return this.#volume; }
  set volume(volume) { if (!FakeAudio.phone) this.#volume = volume; }
  play() { return Promise.resolve(); }
}

for (const [phone, lowered] of [[false, { volume: LOWERED, muted: false }], [true, { volume: 1, muted: true }]]) {
  test(`what is behind is ${phone ? "silent where a page may not lower it" : "lowered"}`, () => {
    FakeAudio.phone = phone;
    const made = [];
    globalThis.Audio = class extends FakeAudio { constructor() { super(); made.push(this); } };
    globalThis.MediaStream = class { #tracks = []; getTracks() { return this.#tracks; } addTrack(track) { this.#tracks.push(track); } removeTrack() { this.#tracks.pop(); } };
    const output = new AudioOutput();
    output.attach("host", { id: "a" });
    const look = () => ({ volume: made[0].volume, muted: made[0].muted });
    output.setGain("host", LOWERED);
    assert.deepEqual(look(), lowered);
    output.setGain("host", 0);
    assert.equal(look().muted, true);
    output.setGain("host", 1);
    assert.deepEqual(look(), { volume: 1, muted: false });
    output.setGain("host", 0);
    output.release("host");
    output.attach("another", { id: "b" });
    assert.deepEqual(look(), { volume: 1, muted: false });
  });
}
