"""Real Chromium behind the relay: a narrow link costs its owner a layer, and nobody else."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from media.client import ControlClient
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.impairment import Relay
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
# Three layers of 720p are too much for two cores: Chromium itself drops the top one now and then.
TOP = 960


async def width(peer: ChromiumPeer) -> int:
    return max((s["width"] for s in await peer.received() if s["kind"] == "video"), default=0)


async def until_width(peer: ChromiumPeer, fits: Callable[[int], bool], timeout: float) -> float:
    """Seconds until the picture that is decoded has a width that fits."""
    began = time.monotonic()
    async with asyncio.timeout(timeout):
        while not fits(await width(peer)):  # noqa: ASYNC110 - only the page knows
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def test_a_narrow_link_costs_a_layer_and_only_there(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), Relay(worker.config.port, seed=11) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            pages = [await context.new_page() for _ in range(3)]
            anna, bo, cai = [
                ChromiumPeer(controller, page, "r", name)
                for page, name in zip(pages, ("anna", "bo", "cai"), strict=True)
            ]
            bo.rewrite = relay.rewrite
            for peer in (anna, bo, cai):
                await peer.page.goto(address)
                await peer.enter()
            await bo.subscribe()
            await cai.subscribe()
            await anna.publish("vp8", 960, 540, layers=3)
            for peer in (bo, cai):
                await until_width(peer, lambda w: w == TOP, 15)
            await asyncio.sleep(2)

            relay.down.rate = 500_000
            fell = await until_width(bo, lambda w: 0 < w < TOP, 5)
            await asyncio.sleep(4)
            assert await width(bo) < TOP and await width(cai) == TOP
            heard = [s for s in await bo.received() if s["kind"] == "audio"]
            relay.down.rate = 0
            rose = await until_width(bo, lambda w: w == TOP, 15)
            print(f"left the top layer after {fell:.1f} s, back {rose:.1f} s after the cap was lifted")
            assert heard and fell < 3.0 and rose < 12.0, (fell, rose)
            assert relay.down.passed > 300
            await controller.close()
        assert "Traceback" not in worker.output()
