/**
 * The words of states in the page's language, from the one vocabulary (cases/vocabulary.json). The page brings
 * what a browser shows by itself: table → state → {official, citizen, short, effect, icon}.
 */
import { asHeld, t } from "./translate.js";
const TOLD = JSON.parse(globalThis.document?.getElementById("vocabulary")?.textContent || "{}");

/** @returns {Record<string, string>} of each state of a table one kind of words, those of officials where there is none */
export function column(table, kind = "official") {
  return Object.fromEntries(Object.entries(TOLD[table] || {}).map(([state, word]) => [state, asHeld(word[kind] || word.official)]));
}

export const TIERS = column("tier", "short");
/** From the top of the hierarchy to the petitioner's side: the order of tiles and lists. */
export const TIER_ORDER = ["province", "city", "district", "township"];

export const ROLES = column("role", "short");

/** The badge: a word and an icon for each state, never the colour alone. */
const ICONS = column("badge", "icon");
export const RECORDING_STATES = Object.fromEntries(Object.entries(column("badge")).map(([state, text]) => [state, { text, icon: ICONS[state] }]));

/** By the grade of media/quality.js: what everybody reads, and what it does to the conversation. */
const byGrade = ({ gone, ...words }) => ({ ...words, lost: gone });
export const NETWORK = byGrade(column("line", "citizen"));
export const NETWORK_EFFECT = byGrade(column("line", "effect"));

const CITIZEN_SIDE = new Set(["petitioner", "party", "proxy", "companion", "interpreter", "mediator", "third_party"]);

export function isCitizenSide(role) {
  return CITIZEN_SIDE.has(role);
}

/** The label in front of a name: the tier of an official, else the role. */
export function standing({ tier, role }) {
  return TIERS[tier] || ROLES[role] || t("参加人");
}

/** Sorts by tier from the province down, petitioners last, otherwise as they came in. */
export function byTier(participants) {
  const rank = ({ tier }) => (TIER_ORDER.indexOf(tier) + TIER_ORDER.length + 1) % (TIER_ORDER.length + 1);
  return participants.map((entry, place) => ({ entry, place }))
    .sort((a, b) => rank(a.entry) - rank(b.entry) || a.place - b.place)
    .map(({ entry }) => entry);
}
