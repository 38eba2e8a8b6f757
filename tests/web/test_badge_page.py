"""The recording badge on the pages of official and citizen: each state in words and with its own icon."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import database_system  # noqa: F401
from tests.web.test_minutes import arrange
from tests.web.test_minutes_page import citizen_in_room, signed_in
from web.keys import REGISTRY

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(120)]
BADGE = "[data-part=recording]"
STATES = (
    ("preparing", "录音录像准备中"),
    ("active", "正在录音录像"),
    ("paused", "录音录像已暂停"),
    ("faulty", "录制异常"),
    ("active", "正在录音录像"),
)


async def ground(page: Page) -> str:
    """What the badge stands on."""
    return str(await page.locator(BADGE).evaluate("(node) => getComputedStyle(node).backgroundColor"))


async def test_four_states_are_told_in_words_to_everybody(
    house: House, chrome: Browser, tmp_path: Path
) -> None:
    session = await arrange(house)
    host = await signed_in(house, chrome, "chengguan.receptionist")
    await host.page.goto(f"{host.base}/sessions/{session.id}/room")
    citizen = await citizen_in_room(house, chrome, session)
    await expect(host.page.locator("[data-part=lobby] li")).to_have_count(1, timeout=30_000)
    await host.page.get_by_role("button", name="准入").first.click()
    await citizen.page.get_by_role("button", name="回到接访").click(timeout=30_000)
    await expect(host.page.locator("[data-part=people] .seat")).to_have_count(2)
    live = house.server.app[REGISTRY].rooms[session.id]
    live.room.badge.recording_id = "r"
    seen: dict[str, set[tuple[str, str]]] = {}
    for state, words in STATES:
        live.room.badge.state, live.room.badge.cause = state, "disk_full" if state == "faulty" else None
        live.changed()
        for name, page in (("host", host.page), ("citizen", citizen.page)):
            badge = page.locator(BADGE)
            await expect(badge).to_have_attribute("data-state", state)
            await expect(badge).to_contain_text(words)
            await expect(badge.locator("svg")).to_be_visible()
            icon = str(await badge.locator("svg").evaluate("(node) => node.outerHTML"))
            seen.setdefault(state, set()).add((name, await ground(page)))
            seen.setdefault("icons", set()).add((name, icon))
            if state == "faulty" and name == "host":
                await expect(page.get_by_text("录制异常：磁盘已满")).to_be_visible()
            await page.screenshot(path=tmp_path / f"{name}-{state}.png")
    # Red ground while bytes are written, and in no other state; each state has an icon of its own.
    for state in ("preparing", "paused", "faulty"):
        assert not seen[state] & seen["active"], state
    assert len(seen["icons"]) == 2 * 4
