/** Sentences in the page's language. The Chinese ones stand in the modules; a page in another language brings its own. */
const node = globalThis.document?.getElementById("sentences");
const SENTENCES = node ? JSON.parse(node.textContent) : {};

/**
 * @param {string} sentence in Chinese, with {0}, {1} for the values
 * @param {...(string|number)} values
 */
export function t(sentence, ...values) {
  const told = Object.hasOwn(SENTENCES, sentence) ? SENTENCES[sentence] : sentence;
  return values.length ? told.replace(/\{(\d)\}/g, (_, place) => values[place]) : told;
}

/**
 * What the server says on a live page, found by the sentence, by the code of a refusal, or by its pattern.
 * @param {string} sentence
 * @param {string} [code]
 */
export function told(sentence, code = "") {
  const key = [sentence, code].find((each) => Object.hasOwn(SENTENCES, each));
  if (key) return SENTENCES[key];
  for (const [pattern, words] of Object.entries(SENTENCES)) {
    const [before, after, more] = pattern.split("{0}");
    const fits = more === undefined && (before + after).length > 5 && sentence.startsWith(before) && sentence.endsWith(after);
    if (fits) return words.replace("{0}", sentence.slice(before.length, sentence.length - after.length));
  }
  return sentence;
}
