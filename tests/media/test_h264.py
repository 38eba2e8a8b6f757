"""H.264 in real Chromium, sent and received, in two layers, with one page behind 500 kbit/s and less."""

from __future__ import annotations

import asyncio
import contextlib
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
NARROW = 500_000
# How much the upper layer takes is the encoder's affair: on a busy machine it has been seen to fit through
# 500 kbit/s. Then the link is made narrower until it does not.
NARROWER = (NARROW, 300_000, 200_000, 130_000)
SMALL, TOP, ONLY = 480, 960, 640
# Pictures through this page's connection: frames, width and codec of each stream.
PICTURES = """async name => {
  const all = new Map(), found = [];
  (await window[name].getStats()).forEach(r => all.set(r.id, r));
  all.forEach(r => {
    if (!/^(in|out)bound-rtp$/.test(r.type) || r.kind !== "video" || !all.has(r.codecId)) return;
    const frames = r.framesDecoded || r.framesEncoded || 0;
    found.push({codec: all.get(r.codecId).mimeType, frames, width: r.frameWidth || 0});
  });
  return found;
}"""


async def pictures(peer: ChromiumPeer, name: str = "subscribing") -> list[dict]:
    """What it receives, or with `publishing` what it sends."""
    return [p for p in await peer.page.evaluate(PICTURES, name) if p["frames"]]


async def until_pictures(peer: ChromiumPeer, fits: Callable[[list[dict]], bool], timeout: float = 45) -> None:
    seen: list[dict] = []
    try:
        async with asyncio.timeout(timeout):
            while not fits(seen := await pictures(peer)):  # noqa: ASYNC110 - only the page knows
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{peer.participant_id} sees {seen}") from None


def more(frames: int, widths: tuple[int, ...]) -> Callable[[list[dict]], bool]:
    return lambda seen: len(seen) == 1 and seen[0]["width"] in widths and seen[0]["frames"] >= frames


async def narrowed_until(relay: Relay, peer: ChromiumPeer, width: int) -> int:
    """Narrow the link step by step until `peer` sees pictures of this width; the bits per second it took."""
    for rate in NARROWER[:-1]:
        relay.down.rate = rate
        with contextlib.suppress(AssertionError):
            await until_pictures(peer, wide(width), timeout=15)
            return rate
    relay.down.rate = NARROWER[-1]
    await until_pictures(peer, wide(width), timeout=30)
    return NARROWER[-1]


def wide(width: int) -> Callable[[list[dict]], bool]:
    return lambda seen: [p["width"] for p in seen] == [width]


async def test_h264_through_a_narrow_link(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), Relay(worker.config.port, seed=5) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo = [
                ChromiumPeer(controller, await context.new_page(), "r", name) for name in ("anna", "bo")
            ]
            bo.rewrite = relay.rewrite
            relay.up.rate = relay.down.rate = NARROW
            for peer in (anna, bo):
                await peer.page.goto(address)
                await peer.enter()
                await peer.subscribe()
            await anna.publish("h264", TOP, 540, layers=2)
            await bo.publish("h264", ONLY, 360)
            await bo.wait_for_media()
            await anna.wait_for_media()

            narrow = await narrowed_until(relay, bo, SMALL)
            began = time.monotonic()
            # An encoder that a busy machine slows down may fit the large one through as well.
            for peer, widths in ((anna, (ONLY,)), (bo, (SMALL, TOP))):
                await until_pictures(peer, more((await pictures(peer))[0]["frames"] + 60, widths))
            codecs = {p["codec"] for p in await pictures(anna) + await pictures(bo)}
            codecs |= {p["codec"] for peer in (anna, bo) for p in await pictures(peer, "publishing")}
            assert codecs == {"video/H264"}
            print(f"60 pictures each way at {narrow // 1000} kbit/s in {time.monotonic() - began:.1f} s")

            relay.up.rate = relay.down.rate = 0
            await until_pictures(bo, wide(TOP))
            await until_pictures(anna, wide(ONLY))
            assert relay.down.passed > 300 and relay.up.passed > 300
            await controller.close()
        assert "Traceback" not in worker.output()
