"""屏蔽 in real browsers: the camera goes out, the voice comes back altered, and all of it ends again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.scenarios.browsers import (
    Devices,
    chromium,
    collect_errors,
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    until,
)
from tests.scenarios.parties import (
    PATIENCE,
    admit_everybody,
    citizen_to_waiting_room,
    confirm,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(240)]


async def test_somebody_is_screened_and_shown_again(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        pages: dict[str, Page] = {}
        errors: list[str] = []
        for name, tone in (("citizen", 440), ("district", 900)):
            devices = Devices((20, 90, 200), tone)
            context = await new_context(browser, phone=name == "citizen", devices=devices)
            pages[name] = await context.new_page()
            collect_errors(pages[name], errors)
        citizen, host = pages["citizen"], pages["district"]
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        await official_into_room(host, service.links["district"])
        await admit_everybody(host)
        await wait_until_all_meet(pages)
        await open_session(host)
        who = await diagnostics(citizen, "participantId")

        await press_veil(host)
        await citizen.locator("[data-part=notice]").get_by_text("已为您屏蔽").wait_for(timeout=PATIENCE)
        # Sound comes again when the page has said that it is altered; pictures do not.
        heard = await sound(host, who)
        await until(lambda: louder(host, who, heard), 15, "the altered voice is heard")
        frames = await pictures(host, who)
        heard = await sound(host, who)
        await until(lambda: louder(host, who, heard), 15, "it goes on")
        assert await pictures(host, who) == frames

        await press_veil(host)
        await until(lambda: more_pictures(host, who, frames), 20, "the picture is back")
        heard = await sound(host, who)
        await until(lambda: louder(host, who, heard), 15, "so is the voice")
        assert errors == []


async def press_veil(host: Page) -> None:
    await host.evaluate("""() => document.querySelector('[data-command="veil"]').click()""")
    await confirm(host)


async def of(page: Page, who: str, kind: str) -> dict[str, float]:
    found = [each for each in await inbound(page) if (each["participant_id"], each["kind"]) == (who, kind)]
    return found[0] if found else {}


async def sound(page: Page, who: str) -> float:
    return (await of(page, who, "audio")).get("totalAudioEnergy", 0.0)


async def pictures(page: Page, who: str) -> float:
    return (await of(page, who, "video")).get("framesDecoded", 0)


async def louder(page: Page, who: str, than: float) -> bool:
    return await sound(page, who) > than + 1e-4


async def more_pictures(page: Page, who: str, than: float) -> bool:
    return await pictures(page, who) > than + 5
