"""What citizens' pages are held to, measured in the browser: type, targets, contrast, width, announcers.

Figures from GB/T practice and WCAG 2.2 as docs/architecture.md lists them: 20 px base, 30 px in large type,
buttons of 64 px at least 16 px apart, other targets 44 px, text against its ground 7:1, and no sideways
scrolling on 320 px with text of twice the size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

SMALL = Path(__file__).with_name("measures.js").read_text("utf-8")
NARROW = {"width": 320, "height": 740}
TWICE = "250%"  # Of the browser's 16 px: twice the base of 20 px.
LARGE = "document.documentElement.classList.toggle('large-type', %s)"
# Contrast of 7:1 (WCAG 1.4.6) is not among what axe looks at by itself.
OPTIONS = {"rules": {"color-contrast-enhanced": {"enabled": True}}}

WIDER = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > wide + 1)
    .map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}>${wide}`)
    .slice(0, 5);
}"""
ANNOUNCERS = """() => ({
  polite: document.querySelectorAll('[aria-live=polite]').length,
  assertive: document.querySelectorAll('[aria-live=assertive]').length,
  others: [...document.querySelectorAll('[role=status], [role=alert], [role=log]')]
    .map((e) => e.outerHTML.slice(0, 80)),
})"""
# Every message of the announcers with its moment; read back as `window.announced`.
LISTEN = """
window.announced = [];
document.addEventListener('DOMContentLoaded', () => {
  for (const region of document.querySelectorAll('[data-announcer]')) {
    new MutationObserver(() => {
      if (region.textContent) window.announced.push({ at: performance.now(), text: region.textContent });
    }).observe(region, { childList: true, characterData: true, subtree: true });
  }
});
"""


async def axe(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """Violations that axe finds, each with its elements."""
    found = (await Axe().run(page, options=options)).response["violations"]
    return [f"{each['id']} {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found]


async def measure(page: Page, looked_at: bool = True) -> list[str]:
    """What is wrong with a citizens' page as it stands, in words; `looked_at` asks axe too."""
    faults = []
    for large, base, text in ((False, 20, 18), (True, 30, 22)):
        await page.evaluate(LARGE % str(large).lower())
        limits = {"base": base, "text": text, "button": 64, "target": 44, "apart": 16}
        faults += [f"{'large' if large else 'normal'}: {each}" for each in await page.evaluate(SMALL, limits)]
        if looked_at and not large:
            faults += await axe(page, OPTIONS)
    await page.evaluate(LARGE % "false")
    announcers = await page.evaluate(ANNOUNCERS)
    if announcers != {"polite": 1, "assertive": 1, "others": []}:
        faults.append(f"announcers {announcers}")
    return faults + await sideways(page)


async def sideways(page: Page) -> list[str]:
    """What scrolls sideways on 320 px: as it is, in large type and with text of twice the size."""
    faults, before = [], page.viewport_size
    await page.set_viewport_size(NARROW)
    for size in ("", "187.5%", TWICE):
        await page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
        faults += [f"sideways at {size or '125%'}: {each}" for each in await page.evaluate(WIDER)]
    await page.evaluate("document.documentElement.style.fontSize = ''")
    if before:
        await page.set_viewport_size(before)
    return faults


async def doubled(page: Page, within: float = 60.0) -> list[str]:
    """Messages within so many milliseconds of each other: one event told twice, or one drowned."""
    told = await page.evaluate("window.announced || []")
    pairs = zip(told, told[1:], strict=False)
    return [f"“{a['text']}” and “{b['text']}”" for a, b in pairs if b["at"] - a["at"] < within]
