"""Real Chromium pages in a real worker's room: pictures decoded, sound heard, first frame in time."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import RemoveParticipant, SetMuted, Statistics
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
# Seconds from Subscribe to the first decoded picture and audible sound; 0.3 was measured.
FIRST_FRAME = 2.0


async def frames(peer: ChromiumPeer) -> int:
    return max((s["frames"] for s in await peer.received() if s["kind"] == "video"), default=0)


async def test_pages_see_and_hear_each_other(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address):
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo, cai = [
                ChromiumPeer(controller, await context.new_page(), "r", name)
                for name in ("anna", "bo", "cai")
            ]
            for peer in (anna, bo, cai):
                await peer.page.goto(address)
                await peer.enter()
            # A subscriber who was there before the first publisher, VP8 and H.264 in one room.
            await bo.subscribe()
            await anna.publish("vp8")
            await bo.wait_for_media()
            await bo.publish("h264")

            began = time.monotonic()
            await cai.subscribe()
            await cai.wait_for_media(pictures=2, sounds=2)
            assert time.monotonic() - began < FIRST_FRAME
            await cai.publish("vp8")
            await anna.subscribe()
            await anna.wait_for_media(pictures=2, sounds=2)
            await bo.wait_for_media(pictures=2, sounds=2)

            # Muted by the host: the picture stands; unmuted: it moves again, without an error.
            await client.request(SetMuted(room_id="r", participant_id="bo", source="camera", muted=True))
            await asyncio.sleep(0.3)
            still = await _frames_of(cai, "bo")
            await asyncio.sleep(0.7)
            assert await _frames_of(cai, "bo") <= still + 1
            await client.request(SetMuted(room_id="r", participant_id="bo", source="camera", muted=False))
            await _moves(cai, "bo", still + 10)

            # Published again from a new PeerConnection: the same m-line goes on.
            frames_before = await _frames_of(cai, "anna")
            offers = len([e for e in controller.events if getattr(e, "offer_id", None)])
            await anna.page.evaluate("publishing.close()")
            await anna.publish("vp8")
            await _moves(cai, "anna", frames_before + 10)
            assert len([e for e in controller.events if getattr(e, "offer_id", None)]) == offers

            await client.request(RemoveParticipant(room_id="r", participant_id="anna"))
            await asyncio.sleep(0.5)
            assert {t["participant_id"] for t in cai.tracks.values()} == {"bo"}
            statistics = await client.request(Statistics())
            assert statistics["worker"].get("parser_error", 0) == 0
            await controller.close()
        assert "Traceback" not in worker.output()


async def _frames_of(peer: ChromiumPeer, participant_id: str) -> int:
    mid = next(
        m for m, t in peer.tracks.items() if t["participant_id"] == participant_id and t["kind"] == "video"
    )
    return next((s["frames"] for s in await peer.received() if s["mid"] == mid), 0)


async def _moves(peer: ChromiumPeer, participant_id: str, frames_at_least: int) -> None:
    async with asyncio.timeout(5):
        while await _frames_of(peer, participant_id) < frames_at_least:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
