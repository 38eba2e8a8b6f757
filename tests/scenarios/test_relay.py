"""Relay only, through a real coturn with the documented configuration and our own credentials."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import Statistics
from signaling.pushes import Relay
from signaling.relays import Relays
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import Controller
from tests.media.workers import running_worker
from tests.scenarios.coturn import ADDRESS, DOCUMENT, PROGRAM, SECRET, running_coturn

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
    pytest.mark.skipif(PROGRAM is None, reason="turnserver is not installed (apt-get install coturn)"),
]
RELAY_ONLY = """servers => {
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = function (options) {
    return new Original({...options, iceServers: servers, iceTransportPolicy: "relay"});
  };
}"""
LOCAL_TYPE = """async () => {
  const all = new Map(); let pair = null;
  (await window.subscribing.getStats()).forEach(r => all.set(r.id, r));
  all.forEach(r => { if (r.type === "transport") pair = all.get(r.selectedCandidatePairId); });
  return all.get(pair.localCandidateId).candidateType;
}"""
# What a browser can be told to relay to; tells the type of each candidate it gets.
GATHER = """async servers => {
  const pc = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: "relay"});
  const found = [], errors = [];
  pc.createDataChannel("x");
  pc.onicecandidateerror = e => errors.push(e.errorCode);
  pc.onicecandidate = e => { if (e.candidate && e.candidate.candidate) found.push(e.candidate.type); };
  await pc.setLocalDescription();
  for (let i = 0; i < 40 && !found.length && !errors.length; i++) await new Promise(r => setTimeout(r, 100));
  pc.close();
  return [found, errors];
}"""


def servers(port: int, secret: str = SECRET, hours: float = 1, transport: str = "udp") -> list[dict]:
    relays = Relays((f"turn:{ADDRESS}:{port}?transport={transport}",), secret)
    now = datetime.now(UTC) + timedelta(hours=hours)
    granted = relays.grant("seat", now - timedelta(hours=4), now - timedelta(hours=8))
    return [{"urls": r.urls, "username": r.username, "credential": r.credential} for r in granted]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_chromium_by_relay_only(tmp_path: Path, transport: str) -> None:
    with running_worker(tmp_path) as worker, running_coturn(tmp_path) as port:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, url):
            context = await browser.new_context(permissions=["camera", "microphone"])
            peers = []
            for name in ("anna", "bert"):
                peer = ChromiumPeer(controller, await context.new_page(), "room", name)
                await peer.page.goto(url)
                await peer.page.evaluate(RELAY_ONLY, servers(port, transport=transport))
                await peer.enter()
                peers.append(peer)
            began = time.monotonic()
            for peer in peers:
                await peer.subscribe()
                await peer.publish(width=320, height=180)
            for peer in peers:
                await peer.wait_for_media()
            took = time.monotonic() - began
            assert [await peer.page.evaluate(LOCAL_TYPE) for peer in peers] == ["relay", "relay"]
            statistics = await client.request(Statistics())
            for peer in peers:
                await peer.close()
        await controller.close()
    print(f"both pages see and hear each other over {transport} after {took:.2f} s")
    assert took < 10, took
    assert statistics["worker"].get("parser_error", 0) == 0


async def test_the_relay_refuses_strangers_and_old_credentials(tmp_path: Path) -> None:
    with running_coturn(tmp_path) as port:
        async with chromium() as (browser, url):
            page = await browser.new_page()
            await page.goto(url)
            good, _ = await page.evaluate(GATHER, servers(port))
            assert good == ["relay"]
            for wrong in (servers(port, secret="guessed"), servers(port, hours=-1)):
                found, errors = await page.evaluate(GATHER, wrong)
                assert found == [] and errors == [401], json.dumps([found, errors])


async def test_the_relay_leads_nowhere_else(tmp_path: Path) -> None:
    # The documented file allows one peer; this worker is not it.
    with running_worker(tmp_path) as worker, running_coturn(tmp_path, media="192.0.2.77") as port:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, url):
            context = await browser.new_context(permissions=["camera", "microphone"])
            peer = ChromiumPeer(controller, await context.new_page(), "room", "anna")
            await peer.page.goto(url)
            await peer.page.evaluate(RELAY_ONLY, servers(port))
            await peer.enter()
            await peer.publish(width=320, height=180)
            await peer.page.wait_for_timeout(3000)
            state = await peer.page.evaluate("publishing.connectionState")
            received = (await client.request(Statistics()))["worker"]["received"]
            await peer.close()
        await controller.close()
    assert state != "connected"
    assert received == 0
    assert "403" in (tmp_path / "turn.out").read_text() + "".join(
        file.read_text() for file in tmp_path.glob("turn*.log")
    )


def test_credentials_name_their_holder_and_their_end() -> None:
    now = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    relays = Relays(("turn:192.0.2.9:3478",), "secret")
    [relay] = relays.grant("4f1c", now + timedelta(minutes=40), now)
    end = int((now + timedelta(hours=4, minutes=40)).timestamp())
    assert relay == Relay(["turn:192.0.2.9:3478"], f"{end}:4f1c", relay.credential)
    assert relays.grant("4f1c", now + timedelta(days=3), now)[0].username.startswith(
        str(int((now + timedelta(hours=12)).timestamp()))
    )
    assert relay.credential != Relays(relays.urls, "other").grant("4f1c", now + timedelta(minutes=40), now)
    assert Relays().grant("4f1c", now, now) == []


@pytest.mark.skipif(shutil.which("nft") is None or os.geteuid(), reason="nft and root are needed")
def test_the_documented_firewall_is_one() -> None:
    block = re.search(r"```\n(table inet relay.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    assert block
    rules = block.group(1).replace("<MEDIA_ADDRESS>", "192.0.2.7").replace("skuid turnserver", "skuid 0")
    subprocess.run(["nft", "-c", "-f", "-"], input=rules, text=True, check=True)
