"""Two real browsers: what they measure is on record, one tile at most is framed, the background is told."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.scenarios.browsers import Devices, chromium, needs_chromium, new_context, until
from tests.scenarios.parties import (
    admit_everybody,
    citizen_to_waiting_room,
    close_session,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(240)]

# What a phone does when its owner turns to another application.
HIDE = """hidden => {
  const value = hidden ? "hidden" : "visible";
  Object.defineProperty(document, "visibilityState", { value, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_quality_speaker_and_background(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        citizen = await (await new_context(browser, True, Devices((200, 0, 0), 440))).new_page()
        official = await (await new_context(browser, devices=Devices((0, 0, 200), 660))).new_page()
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        await official_into_room(official, service.links["district"])
        await admit_everybody(official)
        await wait_until_all_meet({"citizen": citizen, "district": official})
        await open_session(official)

        await until(lambda: _framed(official), 20, "somebody is framed")
        framed = [await _framed(official) for _ in range(20) if await asyncio.sleep(0.2, True)]
        assert max(framed) <= 1, "two are framed at once"
        await citizen.evaluate(HIDE, True)
        await until(lambda: _reads(official, "市民切到后台"), 5, "officials read that the page is hidden")
        await citizen.evaluate(HIDE, False)
        await until(lambda: _reads(official, "市民切到后台", no=True), 5, "and that it is seen again")
        await expect(citizen.locator('[data-part="network"]')).to_have_text("网络良好", use_inner_text=True)
        await close_session(official)

        with sqlite3.connect(tmp_path / "var" / "lianxin.db") as db:
            rows = db.execute("SELECT packed FROM quality_minutes").fetchall()
            packed = [zlib.decompress(row[0]).decode() for row in rows]
            spoken = db.execute("SELECT data FROM session_events WHERE kind = 'speech.noted'").fetchall()
    assert len(packed) >= 2
    assert all('"path":"udp"' in minute for minute in packed), packed
    assert all('"up":[[' in part for minute in packed for part in minute.split('"worker"')), packed
    assert spoken, "nobody has spoken"


async def _framed(page: Page) -> int:
    return await page.locator(".tile.is-speaking").count()


async def _reads(page: Page, words: str, no: bool = False) -> bool:
    return (words in await page.locator('[data-part="people"]').inner_text()) != no
