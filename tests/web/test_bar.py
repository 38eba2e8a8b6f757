"""The bar of officials' pages in real Chromium: one row at any width, in both languages, and its menu."""

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
    for width in (1280, 800, 360):
        await page.set_viewport_size({"width": width, "height": 740})
        row = await page.locator(".bar-name").bounding_box()
        whole = await page.locator(".bar").bounding_box()
        assert row is not None and whole is not None and whole["height"] < 2 * row["height"], width
    await page.set_viewport_size({"width": 1280, "height": 900})
    more = page.locator(".nav-more summary")
    await expect(more).to_have_class("is-current")  # The page that is open is one of the rest.
    await more.focus()
    await page.keyboard.press("Enter")
    await desk.look(f"bar, all places {language}")
    await expect(page.locator(".nav-rest [aria-current=page]")).to_have_count(1)
    assert not desk.faults, "\n".join(desk.faults)


async def test_the_menu_closes_on_escape_outside_and_when_the_focus_leaves(
    house: House, chrome: Browser
) -> None:
    desk = await signed_in(house, chrome, "chengguan.leader", 360)
    page = desk.page
    await page.goto(f"{desk.base}/ratings")
    menu, more = page.locator(".nav-rest"), page.locator(".nav-more summary")
    assert await page.locator(".nav-day:visible").count() == 0
    await more.click()
    await expect(menu).to_be_visible()
    await desk.look("menu on a phone")
    await expect(menu.get_by_role("button", name="退出")).to_be_visible()
    await menu.locator("a").first.focus()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(more).to_be_focused()
    await more.click()
    await expect(menu).to_be_visible()
    await page.locator(".bar").click(position={"x": 190, "y": 6})
    await expect(menu).to_be_hidden()
    await more.click()
    await page.locator(".foot button").first.focus()
    await expect(menu).to_be_hidden()
    assert not desk.faults, "\n".join(desk.faults)
