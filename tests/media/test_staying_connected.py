"""The network changes under a running session: another address, a new port, a very long round trip."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.load import LoadGenerator
from bench.ours import WorkerRooms
from media.client import ControlClient
from media.control import OfferMade, TransportChanged
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.ferry import Ferry
from tests.media.peers import Controller
from tests.media.workers import running_worker

browser_test = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
]
BACK = 5.0


async def test_a_peer_at_another_address_is_heard_and_hears(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with (
            WorkerRooms(worker.config.socket_path) as rooms,
            LoadGenerator("127.0.0.1") as load,
            load.peer(rooms, "room", "anna") as anna,
            load.peer(rooms, "room", "bert") as bert,
        ):
            await asyncio.gather(anna.hears(2), bert.hears(2))
            transports = (anna.publish_wire, anna.subscribe_wire)
            for wire in transports:
                wire.move("127.0.0.2")
            began = time.monotonic()
            await asyncio.gather(anna.hears(2, timeout=BACK), bert.hears(2, timeout=BACK))
            print(f"heard again after {time.monotonic() - began:.2f} s")
            assert time.monotonic() - began <= BACK
            assert (anna.publish_wire, anna.subscribe_wire) == transports, "a new connection was made"


async def test_a_new_connection_on_the_same_seat(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        async with (
            WorkerRooms(worker.config.socket_path) as rooms,
            LoadGenerator("127.0.0.1") as load,
            load.peer(rooms, "room", "bert") as bert,
            load.peer(rooms, "room", "anna") as anna,
        ):
            await asyncio.gather(anna.hears(2), bert.hears(2))
            await anna.vanish()
            began = time.monotonic()
            # The same seat, nothing of the old connection is left; the same tracks are heard again.
            again = load.peer(rooms, "room", "anna")
            async with again:
                await asyncio.gather(again.hears(2, timeout=BACK), bert.hears(2, timeout=BACK))
                assert time.monotonic() - began <= BACK


class FerryPeer(ChromiumPeer):
    """A page that reaches the worker by a ferry only."""

    ferry: Ferry

    async def _control(self, verb: str, fields: dict) -> str:
        return self.ferry.rewrite(await super()._control(verb, fields))

    async def answer(self, offer: OfferMade) -> None:
        names = {name: getattr(offer, name) for name in ("room_id", "participant_id", "offer_id", "tracks")}
        await super().answer(OfferMade(**names, offer_sdp=self.ferry.rewrite(offer.offer_sdp)))


@contextlib.asynccontextmanager
async def two_pages(tmp_path: Path, delay: float = 0.0) -> AsyncIterator[tuple]:
    """Anna behind the ferry, Bert next to the worker; both publish, both subscribe."""
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with Ferry(("127.0.0.1", worker.config.port), delay) as ferry, chromium() as (browser, url):
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna = FerryPeer(controller, await context.new_page(), "room", "anna")
            anna.ferry = ferry
            bert = ChromiumPeer(controller, await context.new_page(), "room", "bert")
            for peer in (anna, bert):
                await peer.page.goto(url)
                await peer.enter()
                await peer.subscribe()
                await peer.publish(width=320, height=180)
            for peer in (anna, bert):
                await peer.wait_for_media()
            yield controller, ferry, anna, bert
            for peer in (anna, bert):
                await peer.close()
        await controller.close()


async def packets(peer: ChromiumPeer) -> int:
    return next(s["packets"] for s in await peer.received() if s["kind"] == "audio")


async def hears_more(peer: ChromiumPeer, timeout: float) -> float:
    """Seconds until half a second of sound more has come."""
    began = time.monotonic()
    goal = await packets(peer) + 25
    async with asyncio.timeout(timeout):
        while await packets(peer) < goal:  # noqa: ASYNC110 - only the page knows
            await asyncio.sleep(0.05)
    return time.monotonic() - began


def closed(controller: Controller) -> list:
    return controller.of(TransportChanged, state="closed")


class TestChromium:
    pytestmark = browser_test

    async def test_a_router_that_forgot_its_table(self, tmp_path: Path) -> None:
        async with two_pages(tmp_path) as (controller, ferry, anna, bert):
            ferry.move()
            await asyncio.sleep(0.1)
            took = await asyncio.gather(hears_more(anna, BACK), hears_more(bert, BACK))
            print(f"heard again after {max(took):.2f} s")
            assert max(took) <= BACK
            assert closed(controller) == []

    async def test_a_round_trip_of_1200_ms_ends_no_session(self, tmp_path: Path) -> None:
        async with two_pages(tmp_path, delay=0.6) as (controller, ferry, anna, bert):
            # Longer than silence is waited for, and than Chromium needs to call a pair weak.
            for _ in range(4):
                await asyncio.sleep(3)
                await asyncio.gather(hears_more(anna, 4), hears_more(bert, 4))
            assert closed(controller) == []
            states = [await anna.page.evaluate(f"{n}.connectionState") for n in ("publishing", "subscribing")]
            assert states == ["connected", "connected"]
