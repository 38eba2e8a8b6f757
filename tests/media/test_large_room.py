"""Twelve parties who publish and twenty who watch, in one room: all get all, and a browser can take it."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bench.load import LoadGenerator
from bench.ours import WorkerRooms
from bench.peer import Peer
from bench.traffic import PreparedTrack
from media.client import ControlClient
from media.control import Load, SpeakersChanged
from signaling.commands import SDP_LIMIT
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import RunningWorker, running_worker

PARTIES, VIEWERS = 12, 20
STREAMS = 2 * PARTIES
# Resident bytes a participant may cost (issue: at most 1.5 MB each).
BYTES_EACH = 1_500_000


def slow_down(track: PreparedTrack, pause: float) -> None:
    """Leave out time between packets: what is asked here is who gets what, not how fast."""
    quick = track.next

    def next_packet(now_ns: int) -> bytearray:
        packet = quick(now_ns)
        track.due += pause
        return packet

    track.next = next_packet  # type: ignore[method-assign]


def resident(worker: RunningWorker) -> int:
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peer(load: LoadGenerator, rooms: WorkerRooms, name: str, publishes: bool) -> Peer:
    made = load.peer(rooms, "hall", name, publishes)
    for track in made.tracks:
        slow_down(track, 0.1)
    return made


async def streams_with_packets(viewer: ChromiumPeer) -> int:
    return sum(stream["packets"] > 0 for stream in await viewer.received())


async def fill(stack: AsyncExitStack, load: LoadGenerator, rooms: WorkerRooms) -> list[Peer]:
    """Some watch before the first party comes, the rest when all are there."""
    order = [False] * 4 + [True] * PARTIES + [False] * (VIEWERS - 4)
    peers = [peer(load, rooms, f"{number:02}", publishes) for number, publishes in enumerate(order)]
    for each in peers:
        await stack.enter_async_context(each)
    return peers


async def test_all_get_all(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with AsyncExitStack() as stack:
            load = await stack.enter_async_context(LoadGenerator())
            rooms = await stack.enter_async_context(WorkerRooms(worker.config.socket_path))
            before = resident(worker)
            peers = await fill(stack, load, rooms)
            async with asyncio.timeout(60):
                for each in peers:
                    others = STREAMS - 2 if each.publishes else STREAMS
                    await each.hears(tracks=others, packets=3, timeout=60)
            # A second and a third time, at once: nobody's stream stopped when the last ones came.
            for each in peers:
                await each.hears(tracks=STREAMS - 2 if each.publishes else STREAMS, packets=1)
            # Twelve tones of one loudness: one has the floor and keeps it, in few messages.
            told = [event for event in rooms.events if isinstance(event, SpeakersChanged)]
            assert len({event.speaker for event in told} - {None}) == 1
            assert len(told) < 40
            assert (resident(worker) - before) / len(peers) < BYTES_EACH
            load_told = await rooms.client.request(Load())
            assert load_told["rooms"] == 1
            assert 0 < load_told["cpu"] <= 1


@pytest.mark.browser
@pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here")
async def test_a_browser_takes_24_streams_and_its_answer_fits(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with AsyncExitStack() as stack:
            load = await stack.enter_async_context(LoadGenerator())
            rooms = await stack.enter_async_context(WorkerRooms(worker.config.socket_path))
            for number in range(PARTIES):
                await stack.enter_async_context(peer(load, rooms, f"{number:02}", publishes=True))
            controller = Controller(client := ControlClient(worker.config.socket_path))
            await client.connect()
            browser, address = await stack.enter_async_context(chromium())
            viewer = ChromiumPeer(controller, await browser.new_page(), "hall", "viewer")
            await viewer.page.goto(address)
            await viewer.enter()
            await viewer.subscribe()
            async with asyncio.timeout(30):
                while await streams_with_packets(viewer) < STREAMS:  # noqa: ASYNC110 - only the page knows
                    await asyncio.sleep(0.1)
            answer = await viewer.page.evaluate("window.subscribing.localDescription.sdp")
            assert answer.count("\nm=") >= STREAMS
            assert len(answer) < SDP_LIMIT / 2  # 10.5 KB was seen.
            await controller.close()
