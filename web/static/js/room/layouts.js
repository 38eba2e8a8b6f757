/** Which layout the stage of a desk or a hall has, and who is large or small in it. No DOM. */

import { largeIn } from "../media/focus.js";
import { byTier, TIER_ORDER } from "../words.js";
import { t } from "../translate.js";

export const LAYOUTS = [
  ["auto", t("自动")],
  ["speaker", t("主讲和侧栏")],
  ["tiers", t("三级同屏")],
  ["evidence", t("证据为主")],
  ["grid", t("宫格")],
];
const LARGE_SPEAKER = new Set(["speaker", "evidence"]);
const CITIZENS = ["petitioner", "party", "proxy"];

/**
 * @param {object} room as the server tells it
 * @param {string|null} me
 * @param {string|null} own the layout that this page prefers, null to follow the host
 * @param {import("../media/focus.js").Focus} focus
 * @param {number} now milliseconds
 * @returns {{layout: string, main: string|null, minor: Set<string>}}
 */
export function arrangementOf(room, me, own, focus, now) {
  const layout = own || room.conduct.layout;
  // A desk has room for everybody: without a choice places are equal.
  const desk = LARGE_SPEAKER.has(layout) ? layout : "grid";
  const main = own && own !== "auto" && !LARGE_SPEAKER.has(own) ? null : largeIn(room, me, focus, now, desk);
  const tiers = layout === "tiers" && !main && !room.presenter;
  return { layout: main ? "speaker" : layout, main, minor: tiers ? besides(room.participants) : new Set() };
}

/**
 * The window for the hall: where the document comes first it is read from ten metres, so that beside it stand
 * only who speaks for the offices and the petitioner.
 *
 * @param {object} room as the server tells it
 * @param {string|null} me
 * @param {string|null} own the layout chosen in that window, null to follow the host
 * @param {import("../media/focus.js").Focus} focus
 * @param {number} now milliseconds
 * @returns {{layout: string, main: string|null, minor: Set<string>}}
 */
export function hallArrangement(room, me, own, focus, now) {
  const document = Boolean(room.presenter || room.exhibit);
  if ((own || room.conduct.layout) !== "evidence" || !document) return arrangementOf(room, me, own, focus, now);
  const people = byTier(room.participants);
  const citizen = CITIZENS.map((role) => people.find((person) => person.role === role)).find(Boolean);
  const others = people.filter((person) => person !== citizen && person.role !== "interpreter");
  const large = new Set([citizen?.participant_id, focus.choose(others, now)]);
  return { layout: "evidence", main: null, minor: new Set(people.map((person) => person.participant_id).filter((id) => !large.has(id))) };
}

/**
 * What the window for the hall shows: what officials confer about in private is not for it, whoever's
 * console lends the pictures.
 *
 * @param {object|null} room
 * @returns {"away"|"held"|"stage"}
 */
export function hallShows(room) {
  if (!room) return "away";
  return room.deliberation ? "held" : "stage";
}

/** @returns {Set<string>} everybody but one person of each tier and the petitioner */
export function besides(participants) {
  const people = byTier(participants);
  const shown = TIER_ORDER.map((tier) => representative(people.filter((person) => person.tier === tier)));
  shown.push(people.find((person) => person.role === CITIZENS[0]) || people.find((person) => person.role === CITIZENS[1]));
  const large = new Set(shown.filter(Boolean).map((person) => person.participant_id));
  return new Set(people.map((person) => person.participant_id).filter((id) => !large.has(id)));
}

/** Who conducts, then who sends a picture, then who came first. */
function representative(people) {
  const sends = (person) => Boolean(person.sources.camera && person.sources.camera.enabled);
  return people.find((person) => person.role === "host") || people.find(sends) || people[0];
}
