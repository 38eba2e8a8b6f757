"""Every media worker is full: a citizen who is called in reads what to do."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from signaling.media_client import Overloaded, WorkerLink
from tests.scenarios.browsers import needs_chromium
from tests.scenarios.parties import PATIENCE, admit_everybody, citizen_to_waiting_room
from tests.web.conftest import House
from tests.web.test_links import make_link
from web.keys import REGISTRY

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.parametrize("database_system", ["sqlite"])]


def none_is_free(new: bool) -> WorkerLink | None:
    raise Overloaded


async def test_who_is_called_in_reads_to_stay_and_whom_to_call(house: House, chrome: Browser) -> None:
    app, given = house.server.app, await make_link(house)
    assert app is not None
    app[REGISTRY].workers.pick = none_is_free  # type: ignore[method-assign]
    base = f"http://127.0.0.1:{house.server.port}"
    phone, desk = [await chrome.new_context(locale="zh-CN") for _ in range(2)]
    citizen, host = await phone.new_page(), await desk.new_page()
    await citizen_to_waiting_room(citizen, f"{base}/j/{given.code}#{given.secret}")
    await house.seat(desk, "chengguan.receptionist")
    await host.goto(f"{base}/sessions/{given.session_id}/room")
    await admit_everybody(host)
    notice = citizen.locator("[data-screen=session] [data-part=notice]")
    await expect(notice).to_contain_text("现在人太多，一时接不通。请不要关掉页面", timeout=PATIENCE)
    await expect(notice).to_contain_text("等久了请点「求助」打电话")
    await phone.close()
    await desk.close()
