/**
 * How long a station's terminal waits for somebody who does not touch it. No DOM, no time: a table to test.
 */

/** Seconds that the warning stands; each can be extended as often as the person likes. */
export const WARNING = 60;
/** After the end there is nothing left to do but to read. */
const AT_THE_END = 45;
const WHILE_WAITING = 900;

const TALKING = new Set(["called", "session", "held", "help", "leaving"]);
const WAITING = new Set(["waiting", "away"]);
const OVER = new Set(["left", "done", "replaced", "sent_away"]);

/**
 * @param {object} now
 * @param {string|null} now.screen name of the section that is seen, on pages with several
 * @param {string} now.path of the page
 * @param {number} ordinary seconds that the operator set
 * @returns {number} seconds until it is asked whether anybody is there; Infinity in a talk
 */
export function patienceOf({ screen, path }, ordinary) {
  if (TALKING.has(screen)) return Infinity;
  if (WAITING.has(screen)) return Math.max(ordinary, WHILE_WAITING);
  const over = OVER.has(screen) || /\/(declined|receipt)$/.test(path);
  return over ? Math.min(ordinary, AT_THE_END) : ordinary;
}
