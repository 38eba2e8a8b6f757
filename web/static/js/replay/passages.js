/** Words looked up in the texts of a recording. No DOM. */

/** As the archive compares: full width as half width, without case. */
export function fold(text) {
  return text.normalize("NFKC").toLowerCase();
}

/**
 * @param {{seconds: number, text: string}[]} passages
 * @param {string} typed words separated by blanks, all of which must occur
 * @returns {{seconds: number, text: string}[]} in order of time
 */
export function find(passages, typed) {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = passages.filter(({ text }) => words.every((word) => fold(text).includes(word)));
  return found.sort((one, other) => one.seconds - other.seconds);
}

/**
 * @param {string} text
 * @param {string} typed
 * @returns {[string, boolean][]} the text in parts, true for those that were looked for
 */
export function parts(text, typed) {
  const folded = fold(text);
  const words = fold(typed).split(/\s+/).filter(Boolean);
  // Where folding changes the length, places in one are not places in the other.
  if (folded.length !== text.length || !words.length) return [[text, false]];
  const hit = new Array(text.length).fill(false);
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) hit.fill(true, at, at + word.length);
  }
  const found = [];
  for (let place = 0; place < text.length; place += 1) {
    const last = found[found.length - 1];
    if (last && last[1] === hit[place]) last[0] += text[place];
    else found.push([text[place], hit[place]]);
  }
  return found;
}
