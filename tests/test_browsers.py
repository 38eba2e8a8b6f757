"""Browsers of tests spend their time on the pages that are tested, and lack nothing that Playwright gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.scenarios.browsers import TURNED_OFF, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]
SWITCH = "--disable-features="


async def test_windows_have_no_pages_of_their_own(chrome: Browser) -> None:
    page = await chrome.new_page()
    devtools = await chrome.new_browser_cdp_session()
    told = await devtools.send("Target.getTargets", {"filter": [{}]})
    assert {each["type"] for each in told["targetInfos"]} == {"tab", "page"}
    processes = (await devtools.send("SystemInfo.getProcessInfo"))["processInfo"]
    (number,) = (each["id"] for each in processes if each["type"] == "browser")
    words = Path(f"/proc/{number}/cmdline").read_text().split("\0")
    playwrights, ours = (each.removeprefix(SWITCH).split(",") for each in words if each.startswith(SWITCH))
    assert set(playwrights) < set(ours) == set(TURNED_OFF)
    await page.close()
