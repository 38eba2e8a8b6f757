/**
 * Which screen a citizen sees, from what is known. No DOM, no time: a table to read and to test.
 *
 * @typedef {object} Known
 * @property {boolean} captured camera or microphone are open in this page
 * @property {string} step of the device check: "switch_on" | "trouble" | "check_picture" | "check_voice"
 *   | "check_sound" | "verdict" | "passed"
 * @property {"none"|"lobby"|"room"|"closed"} place of the seat
 * @property {string|null} aside "help" | "leaving", opened by the person over the session
 * @property {boolean} away the person stepped out of the waiting room
 * @property {boolean} [held] the officials confer in private
 * @property {boolean} arrived a picture or enough time has come since the call
 * @property {{reason: string}|null} farewell why the call ended
 */

const FAREWELLS = {
  closed: "done",
  left: "left",
  replaced: "replaced",
  denied: "sent_away",
  removed: "sent_away",
  referred: "sent_away",
  moved: "sent_away",
  refused: "sent_away",
};

/**
 * @param {Known} known
 * @returns {string} the name of a section of citizen/room.html
 */
export function screenOf(known) {
  if (known.farewell) return FAREWELLS[known.farewell.reason] || "left";
  if (known.place === "closed") return "done";
  if (known.step === "trouble") return "trouble";
  if (known.away && known.place === "lobby") return "away";
  if (!known.captured) return known.place === "room" ? "resume" : "switch_on";
  if (known.place === "room") return inRoom(known);
  if (known.step !== "passed") return known.step;
  return "waiting";
}

/** A person who is called in the middle of the check is not sent back to it. */
function inRoom(known) {
  if (known.aside) return known.aside;
  if (known.held) return "held";
  return known.arrived ? "session" : "called";
}
