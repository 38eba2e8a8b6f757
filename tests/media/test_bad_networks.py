"""Four real Chromium in a room, one behind a narrow link: it costs a layer there, and nobody a word.

One camera comes in three layers and with the staircase of tones; the other three pages send small pictures
of one layer, because two cores do not bear four times three layers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.client import ControlClient
from tests.media import staircase
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.pagescripts import ask_for_redundancy, watch_network
from tests.media.peers import Controller
from tests.media.relay_apart import RelayApart, Way
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
# Three layers of 720p are too much for two cores: Chromium itself drops the top one now and then.
TOP, HEIGHT = 960, 540
SMALL, SMALL_HEIGHT = 160, 90
# Milliseconds without sound beside the server, or without a turn for the relay or a page: more than this is
# the fault of the machine, not of the network.
STARVED = 100
# Seconds that a packet may wait for the narrow link. The queue fills before anybody can know of it, and who
# comes last into a full one is late by all of it: with a quarter of a second nobody keeps a gap under 200 ms.
QUEUE = 0.1


@dataclass
class Hall:
    """Anna is seen by all; one of them, `behind`, has the relay between themselves and the server."""

    relay: RelayApart
    anna: ChromiumPeer
    bo: ChromiumPeer
    cai: ChromiumPeer
    dan: ChromiumPeer
    stalled: int = 0
    listening: bool = False

    @property
    def others(self) -> tuple[ChromiumPeer, ...]:
        return self.bo, self.cai, self.dan

    async def slowness(self) -> int:
        """Of the machine: the longest stall of this process or a page, or gap in sound that goes past it."""
        if not self.listening:
            return self.stalled
        pages = [await staircase.stalled(peer) for peer in (self.anna, *self.others)]
        return max(self.stalled, *pages, (await staircase.heard(self.cai, "dan")).gap)

    async def watch(self) -> None:
        """Note how long this process waits for its turn."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.02)
            self.stalled = max(self.stalled, round((time.monotonic() - before) * 1000) - 20)


@contextlib.asynccontextmanager
async def hall(tmp_path: Path, seed: int, behind: str) -> AsyncIterator[Hall]:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), RelayApart(worker.config.port, seed, QUEUE) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            peers = {
                name: ChromiumPeer(controller, await context.new_page(), "r", name)
                for name in ("anna", "bo", "cai", "dan")
            }
            peers[behind].rewrite = relay.rewrite
            found = Hall(relay, **peers)
            watching = asyncio.create_task(found.watch())
            obeying = asyncio.create_task(found.anna.obey())
            try:
                await fill(found, address)
                yield found
            except (AssertionError, TimeoutError) as error:
                slowness = await found.slowness()
                print(f"the machine stood still for {slowness} ms")
                # Beside others it fails, and is judged again alone; there is no third time.
                if slowness > STARVED and os.environ.get("LIANXIN_ALONE"):
                    pytest.skip(f"not judged, the machine itself stood still for {slowness} ms: {error}")
                raise
            finally:
                watching.cancel()
                obeying.cancel()
            await controller.close()
        assert "Traceback" not in worker.output()


async def fill(hall: Hall, address: str) -> None:
    """All come in, send and see Anna's largest picture for two seconds."""
    for peer in (hall.anna, *hall.others):
        await peer.page.goto(address)
        await staircase.prepare(peer)
        await ask_for_redundancy(peer)
        await peer.enter()
        await peer.subscribe()
        await watch_network(peer)
    # Pages of one browser share its camera, and the first one decides how large its pictures are.
    await staircase.sound(hall.anna, TOP, HEIGHT)
    await hall.anna.publish("vp8", TOP, HEIGHT, layers=3)
    await staircase.sound(hall.dan, SMALL, SMALL_HEIGHT)
    for peer in hall.others:
        await peer.publish("vp8", SMALL, SMALL_HEIGHT)
    for peer in hall.others:
        await peer.wait_for_media(3, 3, timeout=30)
        await staircase.listen(peer)
    await staircase.listen(hall.anna)
    for peer in hall.others:
        await until_width(peer, lambda width: width == TOP, 20)
    await asyncio.sleep(2)
    await staircase.begin(hall.anna, *hall.others)
    hall.stalled, hall.listening = 0, True


async def width(peer: ChromiumPeer) -> int:
    """Of Anna's picture as it is decoded now; it is the largest of all."""
    return max((s["width"] for s in await peer.received() if s["kind"] == "video"), default=0)


async def until_width(peer: ChromiumPeer, fits: Callable[[int], bool], timeout: float) -> float:
    """Seconds until the picture that is decoded has a width that fits."""
    began = time.monotonic()
    async with asyncio.timeout(timeout):
        while not fits(await width(peer)):  # noqa: ASYNC110 - only the page knows
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def least_width(peers: tuple[ChromiumPeer, ...], task: asyncio.Task) -> int:
    """The smallest picture any of them saw while the task ran."""
    least = TOP
    while not task.done():
        least = min(least, *[await width(peer) for peer in peers])
        await asyncio.sleep(0.2)
    return least


async def longest_gap(peer: ChromiumPeer) -> int:
    return (await staircase.heard(peer, "anna")).gap


async def squeeze(way: Way, rate: int, peer: ChromiumPeer) -> tuple[float, float]:
    """Narrow the way, wait four seconds on the lower layer, lift: seconds until it fell, and rose."""
    await until_width(peer, lambda w: w == TOP, 20)
    way.rate = rate
    fell = await until_width(peer, lambda w: 0 < w < TOP, 10)
    await asyncio.sleep(4)
    assert await width(peer) < TOP
    way.rate = 0
    return fell, await until_width(peer, lambda w: w == TOP, 20)


async def test_a_narrow_way_down_costs_a_layer_and_only_there(tmp_path: Path) -> None:
    async with hall(tmp_path, 11, "bo") as room:
        squeezing = asyncio.create_task(squeeze(room.relay.down, 500_000, room.bo))
        least = await least_width((room.cai, room.dan), squeezing)
        fell, rose = await squeezing
        gaps = [await longest_gap(peer) for peer in room.others]
        print(f"500 kbit/s down: left the top layer after {fell:.1f} s, back {rose:.1f} s after lifting")
        print(f"longest gaps in the sound {gaps} ms, the first behind; the others saw {least} at least")
        assert fell < 3.0 and rose < 12.0, (fell, rose)
        assert least == TOP, least
        # What stood still together with the machine was not lost on the way.
        slowness = await room.slowness()
        assert gaps[0] <= 200 + (slowness if slowness > STARVED else 0), (gaps, slowness)


async def test_a_narrow_way_up_costs_a_layer_and_no_word(tmp_path: Path) -> None:
    async with hall(tmp_path, 12, "anna") as room:
        fell, rose = await squeeze(room.relay.up, 300_000, room.cai)
        print(f"300 kbit/s up: left the top layer after {fell:.1f} s, back {rose:.1f} s after lifting")
        assert fell < 3.0 and rose < 12.0, (fell, rose)
        gaps = [await longest_gap(peer) for peer in room.others]
        print(f"longest gaps in the sound {gaps} ms")
        # 200 is the mark; a busy machine adds to it (docs/performance.md).
        assert max(gaps) <= 300, gaps
