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
