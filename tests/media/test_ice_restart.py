"""A real browser that changes its network: ICE anew on the same connection, seat and media go on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import Subscribe, TransportChanged
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
]
RESTART = """async () => {
  const pc = window.publishing, sources = {};
  pc.restartIce();
  await pc.setLocalDescription();
  for (const t of pc.getTransceivers())
    sources[t.mid] = t.sender.track.kind === "audio" ? "microphone" : "camera";
  const answer = await control("publish", {sdp: pc.localDescription.sdp, sources});
  await pc.setRemoteDescription({type: "answer", sdp: answer});
}"""
PAIR = """async name => {
  let pair = null; const all = new Map();
  (await window[name].getStats()).forEach(r => all.set(r.id, r));
  all.forEach(r => { if (r.type === "transport") pair = all.get(r.selectedCandidatePairId); });
  return pair && all.get(pair.localCandidateId).usernameFragment;
}"""


async def test_both_transports_begin_ice_anew(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address):
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bert = [
                ChromiumPeer(controller, await context.new_page(), "room", name) for name in ("anna", "bert")
            ]
            for peer in (anna, bert):
                await peer.page.goto(address)
                await peer.enter()
                await peer.subscribe()
                await peer.publish(width=320, height=180)
            for peer in (anna, bert):
                await peer.wait_for_media()
            before = len(controller.of(TransportChanged))
            fragments = [await anna.page.evaluate(PAIR, name) for name in ("publishing", "subscribing")]

            await anna.page.evaluate(RESTART)
            await client.request(Subscribe(room_id="room", participant_id="anna", restart=True))
            began = time.monotonic()
            while True:
                now = [await anna.page.evaluate(PAIR, name) for name in ("publishing", "subscribing")]
                if all(new and new != old for new, old in zip(now, fragments, strict=True)):
                    break
                assert time.monotonic() - began < 5, "still on the old pairs"
                await asyncio.sleep(0.05)
            for peer in (anna, bert):
                count = (await sound(peer))["packets"]
                async with asyncio.timeout(3):
                    while (await sound(peer))["packets"] < count + 25:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            # No transport was closed, none began again.
            assert len(controller.of(TransportChanged)) == before
            for peer in (anna, bert):
                await peer.close()
        await controller.close()


async def sound(peer: ChromiumPeer) -> dict:
    return next(s for s in await peer.received() if s["kind"] == "audio")
