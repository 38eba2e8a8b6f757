"""Kill a process in mid-session: nobody clicks, nobody loses a seat, the recording names its gap."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.async_api import Page

from tests.scenarios.browsers import (
    chromium,
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    received_parties,
    until,
)
from tests.scenarios.parties import (
    admit_everybody,
    citizen_to_waiting_room,
    close_session,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(300)]

PROMISE = 10.0  # seconds until people hear each other again (docs/architecture.md, Processes)


async def test_people_and_evidence_survive_killed_processes(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        pages = {
            "citizen": await (await new_context(browser, phone=True)).new_page(),
            "district": await (await new_context(browser)).new_page(),
        }
        await citizen_to_waiting_room(pages["citizen"], service.links["citizen"])
        await official_into_room(pages["district"], service.links["district"])
        await admit_everybody(pages["district"])
        await wait_until_all_meet(pages)
        await open_session(pages["district"])
        await asyncio.sleep(4)
        seats = {name: await diagnostics(page, "participantId") for name, page in pages.items()}

        killed = time.monotonic()
        old = await service.kill("media-worker")
        await service.healed("media-worker", old)
        for page in pages.values():
            await until(lambda page=page: _media_flows(page), PROMISE * 3, "media flows again")
        silence = time.monotonic() - killed
        print(f"room back after {silence:.1f} s")
        assert silence <= PROMISE, f"the room was back after {silence:.1f} s"
        await asyncio.sleep(4)

        before = {name: await _frames(page) for name, page in pages.items()}
        old = await service.kill("web")
        # The media worker does not notice: pictures go on while there is no web process or only a young one.
        for name, page in pages.items():
            await until(
                lambda page=page, name=name: _more_frames(page, before[name]), 5, f"{name} goes on seeing"
            )
        await service.healed("web", old)
        for page in pages.values():
            await until(lambda page=page: _is_connected(page), 20, "the page is on its seat again")
        assert {name: await diagnostics(page, "participantId") for name, page in pages.items()} == seats
        assert {await diagnostics(page, "place") for page in pages.values()} == {"room"}

        await pages["citizen"].reload()
        await pages["citizen"].locator('[data-action="switch_on"]:visible').click(timeout=30_000)
        await wait_until_all_meet(pages, 20)
        assert await diagnostics(pages["citizen"], "participantId") == seats["citizen"]
        await asyncio.sleep(2)
        await close_session(pages["district"])
        found = await until(
            lambda: list(service.recordings.glob("*/composed.mp4")), 120, "the film", every=0.5
        )
        _the_gap_is_named(json.loads((found[0].parent / "manifest.json").read_text()), seats)
        with av.open(str(found[0])) as container:
            assert sum(1 for _ in container.decode(video=0)) > 100


async def _frames(page: Page) -> int:
    return sum(entry["framesDecoded"] for entry in await inbound(page) if entry["kind"] == "video")


async def _more_frames(page: Page, before: int) -> bool:
    return await _frames(page) > before + 5


async def _media_flows(page: Page) -> bool:
    """New pictures arrive, from a connection made after the kill or one that lives."""
    first = await _frames(page)
    await asyncio.sleep(0.3)
    seen, heard = received_parties(await inbound(page))
    return await _frames(page) > first > 0 and bool(seen) and bool(heard)


async def _is_connected(page: Page) -> bool:
    return await diagnostics(page, "signaling") == "connected"


def _the_gap_is_named(manifest: dict[str, Any], seats: dict[str, str]) -> None:
    """Every track of both people goes on in a second segment; the gap says why."""
    tracks = [t for t in manifest["tracks"] if t["participant_id"] in seats.values()]
    assert len(tracks) == 4
    for track in tracks:
        assert len(track["segments"]) >= 2, track["directory"]
        causes = {gap["cause"] for gap in track["gaps"]}
        assert any("killed" in cause or "worker" in cause for cause in causes), causes
    kinds = [event["kind"] for event in manifest["session_events"]]
    assert "media.interrupted" in kinds
    assert "media.restored" in kinds
