"""What citizens' pages are held to, measured in the browser: type, targets, contrast, width, announcers.

Figures from GB/T practice and WCAG 2.2 as docs/architecture.md lists them: 20 px base, 30 px in large type,
buttons of 64 px at least 16 px apart, other targets 44 px, text against its ground 7:1, and no sideways
scrolling on 320 px with text of twice the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.axe import violations

SMALL = Path(__file__).with_name("measures.js").read_text("utf-8")
NARROW = {"width": 320, "height": 740}
TWICE = "250%"  # Of the browser's 16 px: twice the base of 20 px.
LARGE = "document.documentElement.classList.toggle('large-type', %s)"
# Contrast of 7:1 (WCAG 1.4.6) is not among what axe looks at by itself.
ENHANCED = {"color-contrast-enhanced": {"enabled": True}}

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
# What is written into a live region, and which heading got the focus and is thereby read out, with the
# moment by the clock that pages on this machine share. Told at once (`Ear`): pages go, and what they know.
LISTEN = """{
const text = Object.getOwnPropertyDescriptor(Node.prototype, 'textContent');
const FOREIGN = '[role=status], [role=alert], [role=log]';
function regionOf(node) {
  if (!(node instanceof Element)) return '';
  return node.getAttribute('aria-live') || (node.matches(FOREIGN) ? 'role' : '');
}
function tell(region, words) {
  if (region && region !== 'off') window.journeyTold({ at: Date.now(), region, words });
}
Object.defineProperty(Node.prototype, 'textContent', { ...text, set(words) {
  if (words) tell(regionOf(this), String(words));
  text.set.call(this, words);
} });
document.addEventListener('focusin', ({ target }) => {
  if (target.matches('h1, h2')) tell('focus', target.textContent.trim());
});
}"""
ONE_EVENT = 400  # Milliseconds: what is told within this time is about one event.
JUST_READ = 1500  # Milliseconds: a heading that got the focus is still being read.


@dataclass(frozen=True)
class Told:
    """A message: `region` is polite, assertive, role (of an element that is no announcer) or focus."""

    at: float
    region: str
    words: str
    page: int = 0


@dataclass
class Ear:
    """Everything that the pages of one party told."""

    told: list[Told] = field(default_factory=list)

    async def listen(self, context: BrowserContext) -> None:
        await context.expose_binding("journeyTold", self._hear)
        await context.add_init_script(LISTEN)

    def _hear(self, source: dict[str, Any], one: dict[str, Any]) -> None:
        self.told.append(Told(**one, page=id(source["page"])))


async def measure(page: Page, looked_at: bool = True) -> list[str]:
    """What is wrong with a citizens' page as it stands, in words; `looked_at` asks axe too."""
    faults = []
    for large, base, text in ((False, 20, 18), (True, 30, 22)):
        await page.evaluate(LARGE % str(large).lower())
        limits = {"base": base, "text": text, "button": 64, "target": 44, "apart": 16}
        faults += [f"{'large' if large else 'normal'}: {each}" for each in await page.evaluate(SMALL, limits)]
        if looked_at and not large:
            faults += await violations(page, ENHANCED)
    await page.evaluate(LARGE % "false")
    return faults + await announcers(page) + await sideways(page)


async def announcers(page: Page, fewest: int = 1) -> list[str]:
    """Anything but one polite and one assertive announcer; a page that tells nothing may have none."""
    found = await page.evaluate(ANNOUNCERS)
    right = not found["others"] and found["polite"] == found["assertive"] and fewest <= found["polite"] <= 1
    return [] if right else [f"announcers {found}"]


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


def doubled(told: list[Told]) -> list[str]:
    """Events told by two messages, words told right after the heading that says them, and foreign regions.

    Two windows of one person tell each for itself.
    """
    faults: list[str] = []
    for page in dict.fromkeys(one.page for one in told):
        faults += _doubled([one for one in told if one.page == page])
    return faults


def _doubled(told: list[Told]) -> list[str]:
    said = [one for one in told if one.region != "focus"]
    faults = [f"told outside of the announcers: “{one.words}”" for one in said if one.region == "role"]
    for a, b in zip(said, said[1:], strict=False):
        if b.at - a.at < ONE_EVENT:
            faults.append(f"told within {b.at - a.at:.0f} ms: “{a.words}” and “{b.words}”")
    for a in told:
        if a.region != "focus":
            continue
        for b in said:
            # What is urgent cuts the reading of the heading short.
            if (
                b.region == "polite"
                and 0 <= b.at - a.at < JUST_READ
                and (b.words in a.words or a.words in b.words)
            ):
                faults.append(f"told and read as a heading: “{b.words}” and “{a.words}”")
    return faults
