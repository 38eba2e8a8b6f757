"""Who drops out for 40 s while waiting and for 20 s in session is back where they were, with all they had."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.scenarios.browsers import diagnostics, inbound, needs_chromium, new_context, until
from tests.scenarios.drops import Severable, reads, second_sitting, severable
from tests.scenarios.parties import (
    act,
    admit_everybody,
    citizen_to_waiting_room,
    close_session,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import Service, running_service
from web.setting_groups import ReceptionSettings

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.real_time, pytest.mark.timeout(600)]

WAITING, TALKING = 40.0, 20.0  # seconds without any network
CONNECTION = '[data-part="connection"]'

NEXT = "下一位就是您"


async def test_a_drop_costs_neither_number_nor_seat_nor_consent_nor_identity(tmp_path: Path) -> None:
    """Two sittings beside each other: in one the citizen waits, in the other the citizen talks."""
    async with (
        running_service(tmp_path / "var", reception=ReceptionSettings(identity=True)) as service,
        severable() as offices,
        severable() as waiting,
        severable() as talking,
    ):
        await asyncio.gather(
            _while_waiting(service, waiting, await _pages(waiting, offices)),
            _in_session(service, talking, await _pages(talking, offices)),
        )


async def _pages(citizen: Severable, offices: Severable) -> dict[str, Page]:
    return {
        "citizen": await (await new_context(citizen.browser, phone=True)).new_page(),
        "district": await (await new_context(offices.browser)).new_page(),
    }


async def _while_waiting(service: Service, phone: Severable, pages: dict[str, Page]) -> None:
    citizen, host = pages["citizen"], pages["district"]
    _, links = await second_sitting(service)
    await citizen_to_waiting_room(citizen, links["citizen"])
    await official_into_room(host, links["district"])
    before = await _place(citizen)
    assert re.fullmatch(r"A\d{3}", before["number"])
    left = time.monotonic()
    async with phone.no_network():
        await reads(citizen, CONNECTION, "您的位置保留着", 20, "the citizen reads that the place is kept")
        await reads(host, '[data-part="lobby"]', "掉线 00:", 30, "the room sees for how long")
        await asyncio.sleep(left + WAITING - time.monotonic())
        said = await reads(host, '[data-part="lobby"]', "掉线", 1, "still away")
        assert _seconds(said) >= 20, said
    await until(lambda: _is_connected(citizen), 15, "the citizen is back")
    await until(lambda: _hidden(citizen, CONNECTION), 5, "the banner is gone")
    await until(lambda: _has_place(citizen, before), 5, "the place as before")
    await until(lambda: _no_longer_away(host), 5, "the room sees the return")
    assert "下行" not in await host.locator('[data-part="people"]').inner_text(), "alone: nothing to receive"
    # A reload asks for the tap that phones need, and for nothing else.
    await citizen.reload()
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await act(citizen, name)
    await citizen.locator('[data-screen="waiting"]').wait_for(state="visible")
    await until(lambda: _has_place(citizen, before), 10, "the same place after a reload")
    await admit_everybody(host)
    await wait_until_all_meet(pages, 40)


async def _in_session(service: Service, phone: Severable, pages: dict[str, Page]) -> None:
    citizen, host = pages["citizen"], pages["district"]
    await citizen_to_waiting_room(citizen, service.links["citizen"])
    await official_into_room(host, service.links["district"])
    await admit_everybody(host)
    await wait_until_all_meet(pages, 40)
    await open_session(host)
    await until(lambda: _is_recorded(citizen), 10, "the recording runs")
    await asyncio.sleep(3)
    seat = await diagnostics(citizen, "participantId")
    left = time.monotonic()
    async with phone.no_network():
        await reads(host, '[data-part="people"]', "掉线 00:0", 15, "the room sees the timer begin")
        await reads(citizen, CONNECTION, "连接中断", 15, "the citizen is told")
        await asyncio.sleep(left + TALKING - time.monotonic())
        said = await reads(host, '[data-part="people"]', "掉线", 1, "the timer runs")
        assert _seconds(said) >= 8, said
        frames = await _frames(host)
    gone = time.monotonic() - left
    await until(lambda: _more_frames(host, frames), 15, "the room sees the citizen again")
    print(f"pictures {time.monotonic() - left - gone:.1f} s after the network was back")
    await wait_until_all_meet(pages, 40)
    assert await diagnostics(citizen, "participantId") == seat
    assert await diagnostics(citizen, "place") == "room"
    assert await citizen.locator('[data-screen="session"]').is_visible(), "nothing is asked again"
    await asyncio.sleep(1)
    await close_session(host)
    found = await until(lambda: list(service.recordings.glob("*/manifest.json")), 60, "it is sealed")
    _the_gap_is_there(json.loads(found[0].read_text()), seat, gone)


def _the_gap_is_there(manifest: dict[str, Any], seat: str, gone: float) -> None:
    """Each track of the citizen lacks those seconds and says why; the events say who was away."""
    tracks = [track for track in manifest["tracks"] if track["participant_id"] == seat]
    assert {track["source"] for track in tracks} == {"microphone", "camera"}
    for track in tracks:
        longest = max(track["gaps"], key=_length)
        assert longest["cause"] in ("no_packets", "track_ended:replaced"), longest
        assert gone - 3 <= _length(longest) <= gone + 15, longest
    told = [event for event in manifest["session_events"] if event.get("participant_id") == seat]
    kinds = [event["kind"] for event in told]
    assert "participant.dropped" in kinds and "participant.resumed" in kinds, kinds
    assert kinds.index("participant.dropped") < kinds.index("participant.resumed")
    asked = [event["kind"] for event in manifest["session_events"]]
    assert asked.count("consent.given") == 1, asked
    assert sum(kind.startswith("identity.") and kind.endswith("ed") for kind in asked) <= 2, asked


def _length(gap: dict[str, Any]) -> float:
    since, until_ = (datetime.fromisoformat(gap[name]) for name in ("from", "to"))
    return (until_ - since).total_seconds()


def _seconds(text: str) -> int:
    """Of `掉线 00:32`."""
    found = re.search(r"掉线 (\d\d):(\d\d)", text)
    assert found is not None, text
    return int(found[1]) * 60 + int(found[2])


async def _place(page: Page) -> dict[str, str]:
    number = await page.locator('[data-part="queue_number"]').inner_text()
    ahead = await page.locator('[data-part="queue_ahead"]').inner_text()
    return {"number": number, "ahead": ahead, "seat": await diagnostics(page, "participantId")}


async def _has_place(page: Page, before: dict[str, str]) -> bool:
    """In the same line somebody of the other sitting may have been called meanwhile; it never moves back."""
    place = await _place(page)
    return place in (before, before | {"ahead": NEXT})


async def _is_connected(page: Page) -> bool:
    return await diagnostics(page, "signaling") == "connected"


async def _is_recorded(page: Page) -> bool:
    return await diagnostics(page, "recording") == "active"


async def _hidden(page: Page, place: str) -> bool:
    return not await page.locator(place).is_visible()


async def _no_longer_away(page: Page) -> bool:
    return "掉线" not in await page.locator('[data-part="lobby"]').inner_text()


async def _frames(page: Page) -> int:
    return sum(entry["framesDecoded"] for entry in await inbound(page) if entry["kind"] == "video")


async def _more_frames(page: Page, before: int) -> bool:
    return await _frames(page) > before + 5
