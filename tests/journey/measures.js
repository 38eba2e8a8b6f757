/*
 * Text below the floor; buttons, fields and other targets that are too small; buttons that stand too close.
 * Given {base, text, button, target, apart} in px; answers with sentences, at most eight.
 */
({ base, text, button, target, apart }) => {
  const faults = [];
  const body = parseFloat(getComputedStyle(document.body).fontSize);
  if (body !== base) faults.push(`base type of ${body} px`);
  for (const wanted of ['[data-large-type]', '[data-read-aloud]', 'header a[href^="tel:"]', 'main h1']) {
    if (!document.querySelector(wanted)) faults.push(`no ${wanted}`);
  }
  const open = document.querySelector('dialog[open]') || document.body;
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.visually-hidden, .announcer, .skip');
  const words = (e) => (e.innerText || e.value || e.id || '').trim().slice(0, 12);
  const say = (e, what) => faults.push(`${what}: ${e.tagName.toLowerCase()}.${e.className} “${words(e)}”`);
  const walker = document.createTreeWalker(open, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, e = node.parentElement;
    if (!node.textContent.trim() || !seen(e) || e.closest('script, noscript, option')) continue;
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size < text - 0.1) say(e, `text of ${size} px`);
  }
  const large = [...open.querySelectorAll('.button, .bar-button, .input')].filter(seen);
  for (const e of large) {
    const box = e.getBoundingClientRect();
    if (box.height < button - 0.5 || box.width < button - 0.5) say(e, `button of ${Math.round(box.width)}×${Math.round(box.height)} px`);
  }
  const rest = [...open.querySelectorAll('a[href], button, summary, select, input:not([type=hidden])')].filter(seen);
  for (const e of rest) {
    const inText = e.tagName === 'A' && getComputedStyle(e).display === 'inline' && e.parentElement.innerText.trim() !== e.innerText.trim();
    const holder = ['checkbox', 'radio'].includes(e.type) ? e.closest('label') || e.parentElement : e;
    const box = holder.getBoundingClientRect();
    if (!inText && (box.height < target - 0.5 || box.width < target - 0.5)) say(e, `target of ${Math.round(box.width)}×${Math.round(box.height)} px`);
  }
  const boxes = large.filter((e) => !e.matches('.input')).map((e) => [e, e.getBoundingClientRect()]);
  // What scrolls passes beneath what stays: only things that move together can be too near.
  const stays = (e) => e !== null && e !== open && (['sticky', 'fixed'].includes(getComputedStyle(e).position) || stays(e.parentElement));
  boxes.forEach(([e, a], at) => boxes.slice(at + 1).filter(([other]) => stays(e) === stays(other)).forEach(([other, b]) => {
    const x = Math.max(a.left, b.left) - Math.min(a.right, b.right), y = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
    const gap = Math.max(x, y);
    if (gap < apart - 0.5) say(other, `${Math.round(gap)} px from “${words(e)}”`);
  }));
  return [...new Set(faults)].slice(0, 8);
}
