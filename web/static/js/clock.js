/** Durations as people read them. */

const two = (number) => String(number).padStart(2, "0");

/** @param {number} milliseconds @returns {string} `00:12:31` */
export function elapsed(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** @param {number} epoch milliseconds @returns {string} `09:30` on the wall of this machine */
export function timeOfDay(epoch) {
  const date = new Date(epoch);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}
