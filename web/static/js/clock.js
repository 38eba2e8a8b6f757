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

/** @param {number} bytes @returns {string} `3.2 MB` */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
