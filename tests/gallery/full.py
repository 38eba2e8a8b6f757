"""Every media worker at its limit: a new sitting finds no place, for the host and for the citizen."""

from __future__ import annotations

from signaling.media_client import Overloaded, WorkerLink
from tests.gallery.house import Street
from tests.gallery.links import agree
from tests.gallery.wall import SIZES
from tests.scenarios.parties import act, admit_everybody, confirm
from tests.web.test_slot_proposals import OWN
from web.keys import REGISTRY

PASSED = 15_000  # Milliseconds: by then what was told once is gone from the page.


def none_is_free(new: bool) -> WorkerLink | None:
    raise Overloaded()


async def full(them: Street) -> None:
    """In the waiting room nothing is wrong yet; called in, it is told to both."""
    them.house.server.app[REGISTRY].workers.pick = none_is_free  # type: ignore[index,method-assign]
    given = await them.link()
    page, host = await them.holder(given), await them.official(OWN)
    await agree(them, page, given)
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await act(page, name)
    await page.locator("[data-screen=waiting]").wait_for(state="visible")
    await them.hang(page, "full-waiting", "服务器满：等候室")
    await host.set_viewport_size(SIZES[1280])  # type: ignore[arg-type]
    await host.goto(f"{them.base}/sessions/{given.session_id}/room")
    await admit_everybody(host)
    await page.wait_for_timeout(1500)
    await them.hang(page, "full-called", "服务器满：叫到了")
    await act(host, "open")
    await confirm(host)
    await host.locator("[data-part=problem]:visible").wait_for()
    await them.wall.hang(host, "full-host", "服务器满：主持人点了开始")
    await page.locator("[data-screen=session]").wait_for(state="visible")
    await them.hang(page, "full-room", "服务器满：信访人在接访室")
    await page.wait_for_timeout(PASSED)
    await them.hang(page, "full-later", "服务器满：过一会儿")
