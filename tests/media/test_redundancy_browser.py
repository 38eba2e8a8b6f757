"""A real browser that prefers sound that repeats itself: heard by one that agreed and one that did not."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import StartRecording, Statistics, StopRecording
from media.rtp import parse_packet
from recordings.capture.segment import RTP, Record, SegmentFile
from recordings.film.depacketise import StreamPacket, frames_of
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.peers import AiortcPeer, Controller
from tests.media.test_orientation import PROGRAM
from tests.media.workers import running_worker, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here"),
]
# Browsers report on sound every few seconds; of the five calm reports two are taken for granted.
BEGUN = """
from media.redundancy import RedundancyOut
begin = RedundancyOut.__init__
def begin_calm(self, *given):
    begin(self, *given)
    self._state.calm = 2
RedundancyOut.__init__ = begin_calm
"""
PREFER = """() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    if (track.kind === "audio") {
      const all = RTCRtpSender.getCapabilities("audio").codecs;
      const isRed = codec => codec.mimeType === "audio/red";
      transceiver.setCodecPreferences([...all.filter(isRed), ...all.filter(codec => !isRed(codec))]);
    }
    return transceiver;
  };
}"""
COUNTED = """async name => {
  const found = [];
  (await window[name].getStats()).forEach(r => {
    if (r.kind === "audio" && r.type === "inbound-rtp") found.push(r.packetsReceived, r.bytesReceived);
    if (r.kind === "audio" && r.type === "outbound-rtp") found.push(r.packetsSent, r.bytesSent);
  });
  return found;
}"""


async def share_received(publisher: ChromiumPeer, subscriber: ChromiumPeer) -> float:
    """Size of a packet of sound that came, of the size in which it was published, over two seconds."""
    sides = ((publisher, "publishing"), (subscriber, "subscribing"))
    before = [await peer.page.evaluate(COUNTED, name) for peer, name in sides]
    await asyncio.sleep(2)
    after = [await peer.page.evaluate(COUNTED, name) for peer, name in sides]
    sent, came = ((b[1] - a[1]) / max(1, b[0] - a[0]) for a, b in zip(before, after, strict=True))
    print(f"a packet of {sent:.0f} bytes came with {came:.0f}")
    return came / sent


async def test_sound_that_repeats_itself_reaches_everybody(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    with running_worker(tmp_path, program=BEGUN + PROGRAM) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        cai = AiortcPeer(controller, "r", "cai")
        async with chromium() as (browser, address):
            context = await browser.new_context(permissions=["camera", "microphone"])
            anna, bo = [ChromiumPeer(controller, await context.new_page(), "r", n) for n in ("anna", "bo")]
            for peer in (anna, bo):
                await peer.page.goto(address)
                await peer.enter()
            await cai.enter()
            await client.request(StartRecording(room_id="r", recording_id="one", directory=str(folder)))
            await anna.page.evaluate(PREFER)
            await anna.publish()
            await bo.subscribe()
            await cai.subscribe()
            await bo.wait_for_media()
            assert await share_received(anna, bo) > 0.85
            await until(lambda: cai.frames.get("audio", 0) > 50, 20, "sound for a peer without it")
            # A calm network: after some reports it goes without what repeats it.
            async with asyncio.timeout(40):
                while await share_received(anna, bo) > 0.65:
                    pass
            before = [s["energy"] for s in await bo.received() if s["kind"] == "audio"]
            await asyncio.sleep(1.5)
            after = [s["energy"] for s in await bo.received() if s["kind"] == "audio"]
            assert after[0] > before[0]
            counters = (await client.request(Statistics()))["worker"]
            assert not counters.get("red_malformed") and not counters.get("unrouted"), counters
            await client.request(StopRecording(room_id="r"))
            await controller.close()
        assert "Traceback" not in worker.output()
    check_journal(folder)


def check_journal(folder: Path) -> None:
    """Packets lie there as they came; without every fifth one nothing that is heard is missing."""
    (path,) = (folder / "tracks" / "anna-microphone").glob("*.lxj")
    segment = SegmentFile(path)
    assert segment.header is not None
    packets = [parse_packet(i.payload) for i in segment.items() if isinstance(i, Record) and i.kind == RTP]
    repeated = [p for p in packets if p.payload_type == segment.header.redundant_payload_type]
    assert len(repeated) > 0.9 * len(packets) > 50
    thinned = [
        StreamPacket(p.sequence_number, p.timestamp, False, p.payload, 0.0, redundant=True)
        for number, p in enumerate(repeated)
        if number % 5
    ]
    heard = {frame.timestamp for frame in frames_of("opus", thinned)}
    wanted = {p.timestamp for p in repeated[1:-1]}
    print(f"{len(packets)} packets of sound, {len(thinned)} kept, {len(heard)} heard")
    assert len(wanted - heard) <= 0.02 * len(wanted)
