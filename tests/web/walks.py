"""A walk over a page by keyboard alone, and the sizes of what a finger or a mouse has to hit."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

# Notes each element that gets the focus, and whether somebody could see that it has it.
WITNESS = """() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: false});
  const kinds = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, "
    + "[tabindex], [controls]";
  const groups = new Set();
  const stops = [...document.querySelectorAll(kinds)].filter((e) => {
    if (e.disabled || e.tabIndex < 0 || !shown(e) || e.closest("[inert]")) return false;
    if (e.type !== "radio") return true;
    const group = `${e.form && e.form.id} ${e.form && e.form.action} ${e.name}`;
    const chosen = [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(e.name)}"]`)].some(
      (one) => one.form === e.form && one.checked);
    if (chosen ? !e.checked : groups.has(group)) return false;
    return groups.add(group);
  });
  const lit = (e) => {
    const style = getComputedStyle(e);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return outlined || style.boxShadow !== "none";
  };
  const seen = (e) => lit(e) || (e.parentElement && lit(e.parentElement))
    || [...(e.labels || [])].some(lit) || (e.nextElementSibling && lit(e.nextElementSibling));
  const told = (e) => e.outerHTML.replace(/\\s+/g, " ").slice(0, 110);
  const walk = window.walk = {left: new Set(stops), dim: new Set(), count: stops.length};
  addEventListener("focusin", ({target}) => {
    walk.left.delete(target);
    if (!seen(target)) walk.dim.add(told(target));
  });
  walk.report = () => [[...walk.left].map(told), [...walk.dim]];
  return stops.length;
}"""
# Links that stand in a sentence are as high as its line (WCAG 2.2, 2.5.8, exception "inline").
SMALL = """(least) => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length;
  const faults = [], box = (e) => e.getBoundingClientRect();
  const kinds = "button, input:not([type=hidden]), select, textarea, summary, nav a, "
    + "a.button, a.event, a.back";
  for (const e of document.querySelectorAll(kinds)) {
    if (!shown(e) || e.closest(".skip, [inert]")) continue;
    const boxes = [e, ...(["checkbox", "radio", "file"].includes(e.type) ? e.labels : [])].map(box);
    const high = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    const wide = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
    const told = `${Math.round(wide)} x ${Math.round(high)}: ${e.outerHTML.slice(0, 90)}`;
    if (Math.min(high, wide) < least - 0.5) faults.push(told);
  }
  return [...new Set(faults)];
}"""
# Text that is shown, and what is typed or chosen, below the floor.
FINE_PRINT = """(least) => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length
    && !e.closest(".skip, .visually-hidden, .announcer, .watermark, [inert]");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = new Set();
  const untyped = "[type=hidden], [type=checkbox], [type=radio], [type=range], [type=file]";
  const typed = `textarea, select, input:not(${untyped})`;
  const look = (e, words) => {
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size >= least - 0.1 || !shown(e)) return;
    found.add(`${size} px: ${e.tagName}.${e.className} ${words.slice(0, 20)}`);
  };
  while (texts.nextNode()) {
    const words = texts.currentNode.textContent.trim(), e = texts.currentNode.parentElement;
    if (words && !e.closest("script, style, noscript, option, svg")) look(e, words);
  }
  for (const e of document.querySelectorAll(typed)) look(e, e.name);
  return [...found].slice(0, 12);
}"""
AT_ONCE = 25
TARGET = 44  # CSS pixels
LEAST_TYPE = 15  # CSS pixels; running text of officials has 17


async def walk(page: Page) -> list[str]:
    """What the Tab key never reaches, and where nobody sees that the focus stands."""
    count = await page.evaluate(WITNESS)
    keys = await page.context.new_cdp_session(page)
    tab = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    pressed, left = 0, count
    while left and pressed < 2 * count + 60:
        # Held down as long as something is left: the focus moves with each press, letting go moves nothing.
        # They are sent together and arrive in their order: each answer waited for would wake four processes.
        presses = min(left, AT_ONCE)
        await asyncio.gather(*(keys.send("Input.dispatchKeyEvent", tab) for _ in range(presses)))
        pressed += presses
        left = await page.evaluate("window.walk.left.size")
    await keys.detach()
    never, dim = await page.evaluate("window.walk.report()")
    return [f"never reached: {each}" for each in never] + [f"focus not seen: {each}" for each in dim]


async def small_targets(page: Page) -> list[str]:
    """Controls under 44 x 44."""
    return [f"small: {each}" for each in await page.evaluate(SMALL, TARGET)]


async def fine_print(page: Page) -> list[str]:
    """Text under 15 px."""
    return [f"fine print: {each}" for each in await page.evaluate(FINE_PRINT, LEAST_TYPE)]
