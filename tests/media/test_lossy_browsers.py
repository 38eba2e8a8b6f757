"""Real Chromium behind a relay that loses packets both ways: what is heard, and how long pictures stand.

Anna is behind the relay, Bo and Cai beside the server. Anna hears Bo (lost downwards), Cai hears Anna (lost
upwards) and Bo (nothing lost): what Cai misses of Bo the machine itself was too slow for.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.client import ControlClient
from tests.media import staircase
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.impairment import Relay
from tests.media.pagescripts import watch_network
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
SECONDS, TRIES = 10, 3
STREAMS = """async () => [...await window.subscribing.getStats()].map(([, r]) => r)
  .filter(r => r.type === "inbound-rtp")"""


@dataclass
class Reception:
    """Of one participant by another: shares of the time."""

    made_up: float
    frozen: float
    freezes: int
    frames: int
    gap: int

    @property
    def fine(self) -> bool:
        return not self.freezes and self.gap < 100 and self.made_up < 0.005

    def __str__(self) -> str:
        return (
            f"{1 - self.made_up:.2%} of the sound heard, longest gap {self.gap} ms, "
            f"{self.freezes} freezes, {self.frozen:.1%} of the time, {self.frames} pictures"
        )


async def streams_of(peer: ChromiumPeer, participant_id: str) -> dict[str, dict]:
    """getStats of both streams of a participant, by kind."""
    return {
        r["kind"]: r
        for r in await peer.page.evaluate(STREAMS)
        if peer.tracks.get(r.get("mid"), {}).get("participant_id") == participant_id
    }


async def reception(peer: ChromiumPeer, who: str, before: dict[str, dict]) -> Reception:
    now = await streams_of(peer, who)

    def grown(kind: str, name: str) -> float:
        return now[kind].get(name, 0) - before[kind].get(name, 0)

    seconds = (now["video"]["timestamp"] - before["video"]["timestamp"]) / 1000
    return Reception(
        made_up=grown("audio", "concealedSamples") / max(1, grown("audio", "totalSamplesReceived")),
        frozen=grown("video", "totalFreezesDuration") / seconds,
        freezes=round(grown("video", "freezeCount")),
        frames=round(grown("video", "framesDecoded")),
        gap=(await staircase.heard(peer, who)).gap,
    )


async def measure(pairs: dict[str, tuple[ChromiumPeer, str]]) -> dict[str, Reception]:
    """What is received in the first stretch of time in which nothing was missed beside the server.

    A stretch in which pictures stood is followed by another: loss stays, a hiccup of the machine does not.
    """
    judged: dict[str, Reception] = {}
    for _ in range(TRIES):
        before = {way: await streams_of(*pair) for way, pair in pairs.items()}
        await staircase.begin(*(peer for peer, _ in pairs.values()))
        await asyncio.sleep(SECONDS)
        found = {way: await reception(*pair, before[way]) for way, pair in pairs.items()}
        for way, what in found.items():
            print(f"{way}: {what}")
        judged = found if found["beside"].fine else judged
        if judged is found and all(what.frozen < 0.05 for what in found.values()):
            return found
    if judged:
        return judged
    pytest.skip(f"not judged: this machine is too slow, even beside the server there came {found['beside']}")


async def test_loss_both_ways(tmp_path: Path) -> None:
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address), Relay(worker.config.port, seed=31) as relay:
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo, cai = [
                ChromiumPeer(controller, await context.new_page(), "r", name)
                for name in ("anna", "bo", "cai")
            ]
            anna.rewrite = relay.rewrite
            await enter(address, anna, bo, cai)
            pairs = {"down": (anna, "bo"), "up": (cai, "anna"), "beside": (cai, "bo")}
            for loss in (0.05, 0.2):
                print(f"\n{loss:.0%} lost both ways")
                relay.up.loss = relay.down.loss = loss
                await asyncio.sleep(4)  # The page notices and lets what it receives wait longer.
                found = await measure(pairs)
                for way in ("down", "up"):
                    what = found[way]
                    assert what.made_up <= 0.03, what
                    assert what.gap <= 200, what
                    assert what.frozen < 0.05, what
                    assert loss > 0.05 or not what.freezes, what
            assert relay.up.dropped > 100 and relay.down.dropped > 100
            await controller.close()
        assert "Traceback" not in worker.output()


async def enter(address: str, anna: ChromiumPeer, bo: ChromiumPeer, cai: ChromiumPeer) -> None:
    """All come in; Anna and Bo send, Anna and Cai receive."""
    for peer in (anna, bo, cai):
        await peer.page.goto(address)
        await staircase.prepare(peer)
        await peer.enter()
    for peer in (anna, cai):
        await peer.subscribe()
        await watch_network(peer)
    for peer in (anna, bo):
        await staircase.sound(peer, 320, 180)
        await peer.publish("vp8", 320, 180)
    await anna.wait_for_media(1, 1)
    await cai.wait_for_media(2, 2)
    for peer in (anna, cai):
        await staircase.listen(peer)
