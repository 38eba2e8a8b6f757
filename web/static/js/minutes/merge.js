/** Two texts that grew from one, as scheduling/minutes/merge.py brings them together: no typed word is lost. */

const MOST_CELLS = 160000;
const [BEGIN, END] = ["〔", "〕"];
const ALSO = [BEGIN, "另", "记", "："];
const WORD = /[0-9]+|[A-Za-z\u00c0-\u024f]+|[\s\S]/gu;

/** @param {string} text @returns {string[]} one Chinese character or mark, a run of letters or of digits each */
export function splitWords(text) {
  return text.match(WORD) || [];
}

/**
 * @param {string[]} old
 * @param {string[]} fresh
 * @returns {{since: number, until: number, words: string[]}[]} what becomes of the old words, in order
 */
export function compare(old, fresh) {
  const shorter = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < shorter && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail += 1;
  const before = old.slice(head, old.length - tail);
  const after = fresh.slice(head, fresh.length - tail);
  if (!before.length && !after.length) return [];
  if (!before.length || !after.length || before.length * after.length > MOST_CELLS) return [{ since: head, until: old.length - tail, words: after }];
  return differing(before, after).map(([a, b, c, d]) => ({ since: head + a, until: head + b, words: after.slice(c, d) }));
}

/** @returns {string} both, where `saved` and `typed` grew from `base` */
export function merge(base, saved, typed) {
  if (typed === base || typed === saved) return saved;
  if (saved === base) return typed;
  const words = splitWords(base);
  const left = compare(words, splitWords(saved));
  const right = compare(words, splitWords(typed));
  const result = [];
  let at = 0;
  while (left.length || right.length) {
    const { since, until, ours, theirs } = group(left, right);
    result.push(...words.slice(at, since));
    const one = rewritten(words, since, until, ours);
    const two = rewritten(words, since, until, theirs);
    if (!ours.length || !theirs.length) result.push(...(ours.length ? one : two));
    else result.push(...both(one, two));
    at = until;
  }
  return [...result, ...words.slice(at)].join("");
}

/** Where a caret at `place` in `old` stands in `fresh`. */
export function follow(old, fresh, place) {
  let shift = 0;
  let length = 0;
  const words = splitWords(old);
  const starts = words.map((word) => (length += word.length) - word.length);
  starts.push(length);
  for (const hunk of compare(words, splitWords(fresh))) {
    const [from, to] = [starts[hunk.since], starts[hunk.until]];
    const size = hunk.words.join("").length;
    if (to <= place && !(to === place && from === to)) shift += size - (to - from);
    else if (from < place) return from + shift + Math.min(place - from, size);
    else break;
  }
  return Math.min(place + shift, fresh.length);
}

// Internal

function differing(old, fresh) {
  const longest = Array.from({ length: old.length + 1 }, () => new Uint32Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      longest[i][j] = old[i] === fresh[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const found = [];
  let [i, j, a, c] = [0, 0, 0, 0];
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) {
      if (i > a || j > c) found.push([a, i, c, j]);
      [i, j] = [i + 1, j + 1];
      [a, c] = [i, j];
    } else if (longest[i + 1][j] >= longest[i][j + 1]) i += 1;
    else j += 1;
  }
  if (a < old.length || c < fresh.length) found.push([a, old.length, c, fresh.length]);
  return found;
}

function group(left, right) {
  const mine = right.length && (!left.length || right[0].since < left[0].since || (right[0].since === left[0].since && right[0].until < left[0].until));
  const first = (mine ? right : left).shift();
  const [ours, theirs] = mine ? [[], [first]] : [[first], []];
  const { since } = first;
  let { until } = first;
  let grown = true;
  while (grown) {
    grown = false;
    for (const [waiting, taken] of [[left, ours], [right, theirs]]) {
      if (!waiting.length || !meets(waiting[0], since, until)) continue;
      until = Math.max(until, waiting[0].until);
      taken.push(waiting.shift());
      grown = true;
    }
  }
  return { since, until, ours, theirs };
}

function meets(hunk, since, until) {
  return hunk.since < until || (hunk.since === since && hunk.until === since && until === since);
}

function rewritten(words, since, until, hunks) {
  const result = [];
  let at = since;
  for (const hunk of hunks) {
    result.push(...words.slice(at, hunk.since), ...hunk.words);
    at = hunk.until;
  }
  return [...result, ...words.slice(at, until)];
}

function both(saved, typed) {
  if (holds(saved, typed)) return saved;
  if (holds(typed, saved)) return typed;
  if (saved[0] === BEGIN || saved[0] === END) return [...typed, ...saved];
  if (typed[0] === BEGIN || typed[0] === END) return [...saved, ...typed];
  return [...saved, ...ALSO, ...typed, END];
}

function holds(whole, piece) {
  let at = 0;
  for (const word of whole) if (at < piece.length && word === piece[at]) at += 1;
  return at === piece.length;
}
