"""The page's own sender in real Chromium: lets go what nobody watches, and has it back when somebody does."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from media.client import ControlClient
from media.control import LayersWanted, Publish, SetWishes
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
MODULES = Path(__file__).parents[2] / "web" / "static" / "js"
PUBLISH = """async () => {
  const { PublishPeer } = await import("/js/media/peers.js");
  const video = { width: 640, height: 360, frameRate: 15 };
  const stream = await navigator.mediaDevices.getUserMedia({ video });
  window.peer = new PublishPeer(async (offer) => ({ sdp: await control("publish", offer) }));
  await peer.publish(new Map([["camera", stream.getTracks()[0]]]));
}"""
ENCODED = """async () => {
  const found = {};
  (await peer.connection.getStats()).forEach(r => {
    if (r.type === "outbound-rtp") found[r.rid] = [r.active, r.framesEncoded || 0];
  });
  return found;
}"""


async def serve_module(route: Route) -> None:
    path = MODULES / route.request.url.split("/js/", 1)[1]
    await route.fulfill(body=path.read_text("utf-8"), content_type="text/javascript")


async def obey(controller: Controller, page: Page) -> None:
    """What signaling does: pass on to the page what the worker tells."""
    done = 0
    while True:
        told = controller.of(LayersWanted)
        for event in told[done:]:
            await page.evaluate("([source, rids]) => peer.limit(source, rids)", [event.source, event.rids])
        done = len(told)
        await asyncio.sleep(0.02)


async def encoded(page: Page, wanted: dict[str, bool]) -> None:
    """Wait until exactly these layers are being encoded."""
    async with asyncio.timeout(40):
        while True:
            before = await page.evaluate(ENCODED)
            await asyncio.sleep(0.5)
            after = await page.evaluate(ENCODED)
            if all((after[rid][1] > before[rid][1]) == on == after[rid][0] for rid, on in wanted.items()):
                return


async def width_of(peer: ChromiumPeer) -> int:
    return max((s["width"] for s in await peer.received() if s["kind"] == "video"), default=0)


async def test_a_page_sends_what_is_watched(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address):
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo = [
                ChromiumPeer(controller, await context.new_page(), "r", name) for name in ("anna", "bo")
            ]
            for peer in (anna, bo):
                await peer.page.route("**/js/**", serve_module)
                await peer.page.goto(address)
                await peer.enter()
            obeying = asyncio.create_task(obey(controller, anna.page))
            await anna.page.evaluate(PUBLISH)
            await bo.subscribe()
            await encoded(anna.page, {"h": True, "f": True})

            async def wish(height: int) -> None:
                tile = {"participant_id": "anna", "source": "camera", "height": height, "visible": True}
                await client.request(SetWishes(room_id="r", participant_id="bo", wishes=[tile]))

            await wish(120)
            await encoded(anna.page, {"h": True, "f": False})
            assert controller.of(LayersWanted)[-1].rids == ["h"]
            await wish(720)
            began = time.monotonic()
            async with asyncio.timeout(20):
                while await width_of(bo) < 640:  # noqa: ASYNC110 - only the page knows
                    await asyncio.sleep(0.02)
            print(f"the large picture was there {time.monotonic() - began:.2f} s after somebody looked")
            await encoded(anna.page, {"h": True, "f": True})
            # Offered again while a layer is off: it stays off, and none is forgotten.
            await wish(120)
            await encoded(anna.page, {"h": True, "f": False})
            offer = await anna.page.evaluate("async () => (await peer.connection.createOffer()).sdp")
            request = Publish(room_id="r", participant_id="anna", offer_sdp=offer, sources={"0": "camera"})
            answer = (await client.request(request))["answer_sdp"]
            assert "a=simulcast:recv h;f" in answer
            obeying.cancel()
            await controller.close()
        assert "Traceback" not in worker.output()
