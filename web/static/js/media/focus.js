/** Whose picture is big: who speaks, but never changing faster than eyes can follow. */

const HOLD = 2500;

export class Focus {
  #current = null;
  #since = -Infinity;

  /** @returns {string|null} participant id; `now` in milliseconds */
  choose(others, now) {
    const present = others.some((person) => person.participant_id === this.#current);
    const speaker = others.find((person) => person.speaking);
    const held = present && now - this.#since < HOLD;
    if (held || present && (!speaker || this.#isSpeaking(others))) return this.#current;
    const chosen = speaker || others.find((person) => person.role === "host") || others.find((person) => person.tier) || others[0];
    this.#current = chosen ? chosen.participant_id : null;
    this.#since = now;
    return this.#current;
  }

  // Internal

  #isSpeaking(others) {
    return others.some((person) => person.participant_id === this.#current && person.speaking);
  }
}

const EQUAL = new Set(["grid", "tiers"]);

/**
 * Whose picture is large by what the host arranged; nobody's beside a document. Who interprets lends a voice
 * or hands to the one who speaks, and does not take their place.
 *
 * @param {object} room as the server tells it
 * @param {string|null} me
 * @param {Focus} focus
 * @param {number} now milliseconds
 * @param {string} layout the host's, or the one that this page prefers
 */
export function largeIn({ participants, presenter, conduct }, me, focus, now, layout = conduct.layout) {
  if (presenter) return null;
  if (participants.some((person) => person.participant_id === conduct.spotlight)) return conduct.spotlight;
  const others = participants.filter((person) => person.participant_id !== me && person.role !== "interpreter");
  return EQUAL.has(layout) ? null : focus.choose(others, now);
}
