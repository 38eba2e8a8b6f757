"""The bar of officials' pages in real Chromium: one row at 1280 pixels, in both languages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import database_system  # noqa: F401
from tests.web.test_minutes_page import signed_in

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_the_bar_is_one_row_and_the_rest_is_one_word_away(
    house: House, chrome: Browser, language: str
) -> None:
    desk = await signed_in(house, chrome, "chengguan.leader", 1280)
    page = desk.page
    await page.context.add_cookies([{"name": "lianxin_language", "value": language, "url": desk.base}])
    await page.goto(f"{desk.base}/ratings")
    row = await page.locator(".bar-name").bounding_box()
    whole = await page.locator(".bar").bounding_box()
    assert row is not None and whole is not None and whole["height"] < 2 * row["height"]
    more = page.locator(".nav-more summary")
    await expect(more).to_have_class("is-current")  # The page that is open is one of the rest.
    await more.focus()
    await page.keyboard.press("Enter")
    await desk.look(f"bar, all places {language}")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".nav-rest [aria-current=page]")).to_have_count(1)
    assert not desk.faults, "\n".join(desk.faults)
