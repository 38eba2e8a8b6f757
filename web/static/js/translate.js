/** Sentences in the page's language. The Chinese ones stand in the modules; a page in another language brings its own. */
const node = globalThis.document?.getElementById("sentences");
const SENTENCES = node ? JSON.parse(node.textContent) : {};
const boot = globalThis.document?.getElementById("boot")?.textContent;
const { mediation = false } = (boot && JSON.parse(boot).session) || {};
const RECEPTION = [["接访", "调解"], ["reception", "mediation"], ["Reception", "Mediation"]];

/** The house's own words as the sitting of this page is called: a mediation is no reception. */
export function asHeld(sentence) {
  return mediation ? RECEPTION.reduce((words, [from, to]) => words.replaceAll(from, to), sentence) : sentence;
}

/**
 * @param {string} sentence in Chinese, with {0}, {1} for the values
 * @param {...(string|number)} values
 */
export function t(sentence, ...values) {
  const told = asHeld(Object.hasOwn(SENTENCES, sentence) ? SENTENCES[sentence] : sentence);
  return values.length ? told.replace(/\{(\d)\}/g, (_, place) => values[place]) : told;
}

/**
 * What the server says on a live page, found by the sentence, by the code of a refusal, or by its pattern.
 * @param {string} sentence
 * @param {string} [code]
 */
export function told(sentence, code = "") {
  const found = find(sentence, code) ?? (mediation ? find(sentence.replaceAll("调解", "接访"), "") : undefined);
  return found === undefined ? sentence : asHeld(found);
}

function find(sentence, code) {
  const key = [sentence, code].find((each) => Object.hasOwn(SENTENCES, each));
  if (key) return SENTENCES[key];
  for (const [pattern, words] of Object.entries(SENTENCES)) {
    const [before, after, more] = pattern.split("{0}");
    const fits = more === undefined && (before + after).length > 5 && sentence.startsWith(before) && sentence.endsWith(after);
    if (fits) return words.replace("{0}", sentence.slice(before.length, sentence.length - after.length));
  }
  return undefined;
}
