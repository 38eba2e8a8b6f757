"""合议 in real browsers: who goes, what the citizen sees meanwhile, and everybody back with the recording."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.scenarios.browsers import (
    chromium,
    collect_errors,
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    until,
)
from tests.scenarios.parties import (
    act,
    admit_everybody,
    citizen_to_waiting_room,
    confirm,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(180)]
PARTIES = ("citizen", "district", "city")


async def test_officials_confer_and_come_back(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        pages: dict[str, Page] = {}
        errors: list[str] = []
        for name in PARTIES:
            context = await new_context(browser, phone=name == "citizen")
            pages[name] = await context.new_page()
            collect_errors(pages[name], errors)
        citizen, host = pages["citizen"], pages["district"]
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        for name in PARTIES[1:]:
            await official_into_room(pages[name], service.links[name])
        await admit_everybody(host)
        await wait_until_all_meet(pages)
        await open_session(host)
        await until(lambda: recording_is(citizen, "active"), 10, "the recording runs")

        await act(host, "deliberate")
        await confirm(host)
        await citizen.locator('[data-screen="held"] h1').get_by_text("请不要离开").wait_for()
        await until(lambda: recording_is(citizen, "paused"), 10, "the recording is paused")
        await host.locator("[data-part=deliberation]").get_by_text("合议 · 不录制").wait_for()
        before = await packets(citizen)
        conferring = await packets(host)
        await asyncio.sleep(2)
        assert await packets(citizen) == before
        assert await packets(host) > conferring
        await act(citizen, "help")
        await act(citizen, "back")
        await expect(citizen.locator('[data-screen="held"]')).to_be_visible()

        await act(host, "deliberate")
        await citizen.locator("[data-part=held_back]").get_by_text("秒后").wait_for()
        await citizen.locator('[data-screen="session"]').wait_for(state="visible", timeout=30_000)
        await wait_until_all_meet(pages)
        await until(lambda: recording_is(citizen, "active"), 10, "the recording goes on")
        assert errors == []


async def recording_is(page: Page, state: str) -> bool:
    return await diagnostics(page, "recording") == state


async def packets(page: Page) -> int:
    """All that this page has received of anybody."""
    return sum(each["packetsReceived"] for each in await inbound(page))
