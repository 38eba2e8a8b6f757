"""Real Chromium on a lossy link both ways: what was lost is repeated beside the media, and recorded once."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import StartRecording, Statistics, StopRecording
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.impairment import Relay
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
LOSS = 0.08


@pytest.mark.parametrize("layers", [0, 3])
async def test_what_was_lost_comes_again_beside_the_media(tmp_path: Path, layers: int) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), Relay(worker.config.port, seed=4588) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo = [
                ChromiumPeer(controller, await context.new_page(), "r", name) for name in ("anna", "bo")
            ]
            for peer in (anna, bo):
                peer.rewrite = relay.rewrite
                await peer.page.goto(address)
                await peer.enter()
            await bo.subscribe()
            await anna.publish("vp8", 640, 360, layers)
            await bo.wait_for_media()
            folder = tmp_path / "one"
            await client.request(StartRecording(room_id="r", recording_id="one", directory=str(folder)))
            relay.up.loss = relay.down.loss = LOSS
            before = (await client.request(Statistics()))["worker"].get("rtx_restored", 0)
            async with asyncio.timeout(60):
                while True:
                    await asyncio.sleep(2)
                    counters = (await client.request(Statistics()))["worker"]
                    restored = counters.get("rtx_restored", 0) - before
                    video = next(s for s in await bo.received() if s["kind"] == "video")
                    if restored > 5 and video["again"] > 5:
                        break
            await client.request(StopRecording(room_id="r"))
            counts = json.loads((folder / "counts.json").read_text())["anna-camera"]
            print(f"restored {restored}, to the subscriber {video['again']} again, {counters=}, {video=}")
            assert counters.get("rtx_unrouted", 0) == 0 and counters.get("too_many_ssrcs", 0) == 0
            assert counts["packets"] > 30 and counts["repeated"] == 0
            await controller.close()
        assert "Traceback" not in worker.output()
