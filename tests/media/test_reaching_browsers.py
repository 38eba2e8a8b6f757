"""Real Chromium by every way it can take: TCP only, IPv6, an address that is not the preferred one."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.netns import missing_namespace, run_inside
from media.client import ControlClient
from media.control import OfferMade, Snapshot
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
]
ROOM = "room"


class PickyPeer(ChromiumPeer):
    """Sees only the candidate lines it is let see."""

    keep: Callable[[str], bool]

    async def _control(self, verb: str, fields: dict) -> str:
        return self._strip(await super()._control(verb, fields))

    async def answer(self, offer: OfferMade) -> None:
        await super().answer(
            OfferMade(
                room_id=offer.room_id,
                participant_id=offer.participant_id,
                offer_id=offer.offer_id,
                offer_sdp=self._strip(offer.offer_sdp),
                tracks=offer.tracks,
            )
        )

    def _strip(self, sdp: str) -> str:
        lines = sdp.split("\r\n")
        return "\r\n".join(x for x in lines if not x.startswith("a=candidate:") or self.keep(x))


async def connect(tmp_path: Path, addresses: tuple[str, ...], keep: Callable[[str], bool]) -> dict[str, str]:
    """Two pages that see each other; how each came: {participant: path}. Fails after five seconds."""
    with running_worker(tmp_path, addresses=addresses) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, url):
            context = await browser.new_context(permissions=["camera", "microphone"])
            pages = [await context.new_page() for _ in range(2)]
            peers = []
            for page, name in zip(pages, ("anna", "bert"), strict=True):
                await page.goto(url)
                peer = PickyPeer(controller, page, ROOM, name)
                peer.keep = keep
                await peer.enter()
                peers.append(peer)
            began = time.monotonic()
            for peer in peers:
                await peer.subscribe()
                await peer.publish(width=320, height=180)
            for peer in peers:
                await peer.wait_for_media(timeout=10)
            took = time.monotonic() - began
            found = await client.request(Snapshot())
            people = found["rooms"][0]["participants"]
            for peer in peers:
                await peer.close()
        await controller.close()
    print(f"both pages see and hear each other after {took:.2f} s")
    assert took <= 5, took
    return {p["participant_id"]: (p["publish_path"], p["subscribe_path"]) for p in people}


async def test_tcp_only(tmp_path: Path) -> None:
    paths = await connect(tmp_path, ("127.0.0.1",), lambda line: " tcp " in line)
    assert paths == {"anna": ("tcp", "tcp"), "bert": ("tcp", "tcp")}


@pytest.mark.netns
def test_a_network_that_lets_no_udp_through(tmp_path: Path) -> None:
    if reason := missing_namespace() or (None if shutil.which("nft") else "nft is not installed"):
        pytest.skip(reason)
    assert run_inside([sys.executable, "-m", "tests.media.blocked", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "paths.json").read_text())
    assert found["paths"] == {"anna": ["tcp", "tcp"], "bert": ["tcp", "tcp"]}
    assert found["dropped"] > 0, "nobody tried UDP: the rules do not work"


async def test_ipv6(tmp_path: Path) -> None:
    paths = await connect(tmp_path, ("127.0.0.1", "::1"), lambda line: " ::1 " in line)
    assert paths == {"anna": ("udp", "udp"), "bert": ("udp", "udp")}


async def test_ipv6_over_tcp(tmp_path: Path) -> None:
    paths = await connect(tmp_path, ("::1",), lambda line: " tcp " in line)
    assert paths == {"anna": ("tcp", "tcp"), "bert": ("tcp", "tcp")}


async def test_each_of_two_addresses(tmp_path: Path) -> None:
    here = another_address()
    if here is None:
        pytest.skip("this machine has no address but loopback")
    for way in ("127.0.0.1", here):
        paths = await connect(tmp_path, ("127.0.0.1", here), lambda line, way=way: f" {way} " in line)
        assert paths == {"anna": ("udp", "udp"), "bert": ("udp", "udp")}


async def test_an_address_behind_translation(tmp_path: Path) -> None:
    # 198.51.100.7 is nobody here: a wildcard socket stands beside the one of loopback.
    addresses = ("198.51.100.7", "127.0.0.1")
    paths = await connect(tmp_path, addresses, lambda line: " 127.0.0.1 " in line)
    assert paths == {"anna": ("udp", "udp"), "bert": ("udp", "udp")}


def another_address() -> str | None:
    """An address of this machine besides loopback. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]
    return None


async def test_udp_is_preferred_when_both_work(tmp_path: Path) -> None:
    paths = await connect(tmp_path, ("127.0.0.1",), lambda line: True)
    assert paths == {"anna": ("udp", "udp"), "bert": ("udp", "udp")}
