"""The console on a telephone: people fill the screen, everything else is one press away and lets go again."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import database_system  # noqa: F401
from tests.web.test_console_page import STATE, answer
from tests.web.test_minutes import arrange
from tests.web.test_minutes_page import signed_in
from tests.web.walks import fine_print, small_targets

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
PHONES = ({"width": 390, "height": 844}, {"width": 360, "height": 740})
SHARE = "() => document.querySelector('.stage').getBoundingClientRect().height / innerHeight"
# What somebody may press and cannot: nowhere in the page's box, or beneath its edge.
UNREACHABLE = """() => [...document.querySelectorAll(
  '.console button:not([hidden]), .console select, .console input')]
  .filter((node) => !node.closest('[hidden], .panel') && !node.checkVisibility())
  .map((node) => node.dataset.action || node.id || node.textContent)"""
BEYOND = """() => [...document.querySelectorAll('.console-bar .bar-button')]
  .filter((node) => node.checkVisibility())
  .filter((node) => node.getBoundingClientRect().bottom > innerHeight + 1)
  .map((node) => node.dataset.action)"""

# 结束接访 is two words; each stands on one line.
SPLIT = """() => [...document.querySelectorAll('.bar-button:is(.is-primary, .is-danger) > span')]
  .filter((node) => node.checkVisibility())
  .flatMap(({ firstChild }) => [0, 2].map((start) => {
    const word = document.createRange();
    word.setStart(firstChild, start);
    word.setEnd(firstChild, start + 2);
    return [word.toString(), new Set([...word.getClientRects()].map((box) => Math.round(box.top))).size];
  }))
  .filter(([, lines]) => lines > 1)"""


async def test_people_first_and_everything_one_press_away(house: House, chrome: Browser) -> None:
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    page, faults = host.page, list[str]()
    await page.set_viewport_size(PHONES[0])  # type: ignore[arg-type]
    await page.goto(f"{host.base}/sessions/{session.id}/room")
    await page.locator("[data-action=open]").click()
    await answer(page, "Tab", "Enter")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    more, panel = page.locator("[data-action=more]"), page.locator("[data-action=panel]")
    for size in PHONES:
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        assert await page.evaluate(SHARE) > 0.6
        assert await page.evaluate(SPLIT) == [], "a word is broken in two"
        for button in (more, panel):
            await button.click()
            await expect(button).to_have_attribute("aria-expanded", "true")
            assert await page.evaluate(SHARE) > 0.15, "the pictures are gone"
            faults += await small_targets(page) + await fine_print(page) + await page.evaluate(BEYOND)
            await host.look(f"console @{size['width']}")
            if button is more:
                assert await page.evaluate(UNREACHABLE) == []
            else:
                await expect(page.locator("#panel-people")).to_be_visible()
        await panel.click()
        await expect(page.locator("#room-panel")).to_be_hidden()
    await pause_from_the_sheet(page)
    # A key leads into the panel although it is folded away.
    await page.keyboard.press("Alt+Shift+U")
    await expect(page.locator("#tab-people")).to_be_focused()
    await panel.click()
    await page.locator("[data-action=close]").click()
    await expect(page.locator("dialog[open]")).to_be_visible()
    await answer(page, "Escape")
    assert not faults + host.faults, "\n".join(faults + host.faults)


async def pause_from_the_sheet(page: Page) -> None:
    """An act out of the sheet folds it; whoever thinks better of it stands where the sheet opens."""
    more, pause = page.locator("[data-action=more]"), page.locator("[data-action=pause]")
    await expect(pause).to_be_hidden()
    await more.click()
    await pause.click()
    await expect(more).to_have_attribute("aria-expanded", "false")
    await answer(page, "Escape")
    await expect(more).to_be_focused()
    await more.click()
    await pause.click()
    await page.locator("#dialog-reason").fill("设备故障")
    await answer(page, "Enter")
    await expect(page.locator(STATE)).to_have_attribute("data-state", "paused")
    # What leads out of where the sitting stands is in the bar itself.
    await expect(pause).to_be_visible()
    await pause.click()
    await expect(page.locator(STATE)).to_have_attribute("data-state", "live")
    await expect(pause).to_be_hidden()
