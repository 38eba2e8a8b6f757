"""A document beside the camera, in a real browser: begun, kept over an ICE restart, ended and begun again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import PublicationChanged, TransportChanged
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
]
# `act` is share, unshare or restart; each is one more offer on the connection that runs.
OFFER_AGAIN = """async act => {
  const pc = window.publishing, sources = {};
  if (act === "restart") pc.restartIce();
  if (act === "unshare") window.sharing.stop();
  if (act === "share") {
    const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 480});
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillStyle = `hsl(${Date.now() / 20 % 360} 80% 50%)`;
      pen.fillRect(0, 0, 640, 480);
    }, 100);
    const [track] = canvas.captureStream(10).getTracks();
    track.contentHint = "detail";
    window.sharing = pc.addTransceiver(track, {direction: "sendonly"});
  }
  await pc.setLocalDescription();
  const usual = {audio: "microphone", video: "camera"};
  for (const t of pc.getTransceivers().filter(t => t.mid !== null && t.direction === "sendonly"))
    sources[t.mid] = t === window.sharing ? "screen" : usual[t.sender.track.kind];
  const answer = await control("publish", {sdp: pc.localDescription.sdp, sources});
  await pc.setRemoteDescription({type: "answer", sdp: answer});
}"""


async def test_a_document_comes_and_goes_on_one_connection(tmp_path: Path) -> None:
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
            await bert.subscribe()
            await anna.publish(width=320, height=180, layers=2)
            await bert.wait_for_media()
            before = len(controller.of(TransportChanged, participant_id="anna", direction="publish"))

            await anna.page.evaluate(OFFER_AGAIN, "share")
            await frames_grow(bert, "screen")
            await anna.page.evaluate(OFFER_AGAIN, "restart")
            for source in ("screen", "camera"):
                await frames_grow(bert, source)
            assert told(controller) == ["started"]

            await anna.page.evaluate(OFFER_AGAIN, "unshare")
            async with asyncio.timeout(5):
                while picture(bert, "screen") is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert told(controller) == ["started", "ended"]
            await frames_grow(bert, "camera")

            await anna.page.evaluate(OFFER_AGAIN, "share")
            await frames_grow(bert, "screen")
            assert told(controller) == ["started", "ended", "started"]
            assert len(controller.of(TransportChanged, participant_id="anna", direction="publish")) == before
            for peer in (anna, bert):
                await peer.close()
        await controller.close()


def told(controller: Controller) -> list[str]:
    return [event.state for event in controller.of(PublicationChanged, source="screen")]


def picture(peer: ChromiumPeer, source: str) -> str | None:
    """The m-line that carries this source of the other."""
    return next((mid for mid, track in peer.tracks.items() if track["source"] == source), None)


async def frames(peer: ChromiumPeer, source: str) -> int:
    mid = picture(peer, source)
    return next((s["frames"] for s in await peer.received() if s["mid"] == mid), 0)


async def frames_grow(peer: ChromiumPeer, source: str, count: int = 8, timeout: float = 15) -> None:
    """So many pictures more are decoded from now on."""
    begin = None
    async with asyncio.timeout(timeout):
        while True:
            now = await frames(peer, source)
            begin = now if begin is None or now < begin else begin
            if now >= begin + count:
                return
            await asyncio.sleep(0.05)
