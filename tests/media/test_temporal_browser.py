"""Real Chromium behind a narrow link: fewer frames of the small picture rather than none."""

from __future__ import annotations

import asyncio
import os
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


async def rate_of(peer: ChromiumPeer, seconds: float) -> tuple[float, dict]:
    """Decoded frames a second, and the figures at the end; `freezes` of the time between."""
    before = next(s for s in await peer.received() if s["kind"] == "video")
    await asyncio.sleep(seconds)
    after = next(s for s in await peer.received() if s["kind"] == "video")
    after["freezes"] -= before["freezes"]
    return (after["frames"] - before["frames"]) / seconds, after


async def test_a_link_too_narrow_for_the_smallest_layer_gets_fewer_frames(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), Relay(worker.config.port, seed=7741) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo, cai = [
                ChromiumPeer(controller, await context.new_page(), "r", name)
                for name in ("anna", "bo", "cai")
            ]
            bo.rewrite = relay.rewrite
            for peer in (anna, bo, cai):
                await peer.page.goto(address)
                await peer.enter()
            await bo.subscribe()
            await cai.subscribe()
            await anna.publish("vp8", 640, 360, layers=2)
            await bo.wait_for_media()
            await cai.wait_for_media()
            await asyncio.sleep(3)
            relay.down.rate = 170_000
            await asyncio.sleep(8)
            (narrow, figures), (beside, _) = await asyncio.gather(rate_of(bo, 5), rate_of(cai, 5))
            relay.down.rate = 0
            async with asyncio.timeout(25):
                while (await rate_of(bo, 1))[0] < 0.75 * beside:
                    pass
            print(f"{narrow:.1f} frames a second when narrow ({figures}), {beside:.1f} beside it")
            assert 1.5 < narrow < 0.85 * beside
            assert figures["freezes"] <= 2
            await controller.close()
        assert "Traceback" not in worker.output()
