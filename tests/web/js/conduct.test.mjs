import assert from "node:assert/strict";
import test from "node:test";
import { Focus, largeIn } from "../../../web/static/js/media/focus.js";
import { screenOf } from "../../../web/static/js/citizen/journey.js";
import { roomLeft } from "../../../web/static/js/room/bytes.js";
import { withHall } from "../../../web/static/js/room/hall_link.js";
import { arrangementOf, besides, hallArrangement, hallShows } from "../../../web/static/js/room/layouts.js";
import { handWords } from "../../../web/static/js/room/roster.js";

const person = (id, role, tier = null, more = {}) => ({ participant_id: id, name: id, role, tier, speaking: false, sources: { camera: { enabled: true, locked: false } }, ...more });
const PEOPLE = [
  person("host", "host", "district"), person("clerk", "recorder", "district"), person("city", "joint_receptionist", "city", { speaking: true }),
  person("province", "joint_receptionist", "province"), person("citizen", "petitioner"), person("daughter", "companion"),
];
const room = (layout, more = {}) => ({ participants: PEOPLE, presenter: null, conduct: { layout, spotlight: null, ...more } });
const arranged = (view, own = null, me = "host") => arrangementOf(view, me, own, new Focus(), 0);

test("without a choice a desk has equal places and a phone the speaker", () => {
  assert.deepEqual(arranged(room("auto")), { layout: "auto", main: null, minor: new Set() });
  assert.equal(largeIn(room("auto"), "citizen", new Focus(), 0), "city");
});

test("the host's layout is everybody's, the spotlight comes first, a document before all", () => {
  assert.equal(arranged(room("speaker")).main, "city");
  assert.equal(largeIn(room("grid"), "citizen", new Focus(), 0), null);
  assert.equal(arranged(room("grid", { spotlight: "citizen" })).main, "citizen");
  assert.equal(arranged(room("grid", { spotlight: "citizen" })).layout, "speaker");
  assert.equal(largeIn(room("tiers", { spotlight: "host" }), "citizen", new Focus(), 0), "host");
  assert.equal(arranged(room("grid", { spotlight: "gone" })).main, null);
  assert.equal(arranged({ ...room("speaker"), presenter: "citizen" }).main, null);
});

test("a page may prefer its own layout", () => {
  assert.equal(arranged(room("speaker", { spotlight: "citizen" }), "grid").main, null);
  assert.equal(arranged(room("grid"), "speaker").main, "city");
  assert.equal(arranged(room("grid"), "tiers").layout, "tiers");
});

test("three tiers and the citizen are large, who conducts stands for the tier", () => {
  assert.deepEqual([...besides(PEOPLE)].sort(), ["clerk", "daughter"]);
  assert.deepEqual([...arranged(room("tiers")).minor].sort(), ["clerk", "daughter"]);
  const dark = person("dark", "joint_receptionist", "city", { sources: {} });
  assert.ok(besides([dark, ...PEOPLE]).has("dark"));
});

test("what the hall shows large is sent large to the console", () => {
  const own = [{ participant_id: "city", source: "camera", height: 180, visible: false }];
  assert.deepEqual(withHall(own), own);
});

test("the hall does not see what officials confer about in private", () => {
  assert.equal(hallShows(null), "away");
  assert.equal(hallShows({ ...room("grid"), deliberation: null }), "stage");
  assert.equal(hallShows({ ...room("grid"), deliberation: { inside: true } }), "held");
});

test("in the hall a document stands beside the speaker and the petitioner alone", () => {
  const hall = (view, own = null) => hallArrangement({ exhibit: null, ...view }, "host", own, new Focus(), 0);
  const shown = (view, own) => PEOPLE.map((one) => one.participant_id).filter((id) => !hall(view, own).minor.has(id));
  assert.deepEqual(shown({ ...room("grid"), presenter: "city" }, "evidence"), ["city", "citizen"]);
  assert.deepEqual(shown({ ...room("evidence"), exhibit: { page: 1 } }), ["city", "citizen"]);
  assert.equal(hall({ ...room("evidence"), exhibit: { page: 1 } }).layout, "evidence");
  const told = PEOPLE.map((one) => ({ ...one, speaking: one.participant_id === "citizen" }));
  assert.deepEqual(shown({ ...room("evidence"), participants: told, exhibit: { page: 1 } }), ["host", "citizen"], "who speaks may be the petitioner");
  assert.equal(hall(room("evidence")).layout, "speaker", "without a document as everywhere");
  assert.equal(hall({ ...room("grid"), presenter: "city" }).minor.size, 0);
});

test("hands in their order with the time, space on the disk in words", () => {
  assert.match(handWords({ name: "王芳", hand_raised_at: "2026-03-02T01:41:00.000Z" }, 1), /^2 王芳 \d\d:41$/);
  assert.equal(roomLeft({ bytes: 0, free: null }, 0), "");
  assert.equal(roomLeft({ bytes: 1e6, free: 512e9 }, 90_000), "可用 512.00 GB");
  assert.equal(roomLeft({ bytes: 60e6, free: 600e6 }, 120_000), "空间只够再录约 20 分钟");
});

test("who is received in another way reads it", () => {
  assert.equal(screenOf({ farewell: { reason: "referred" } }), "sent_away");
});
