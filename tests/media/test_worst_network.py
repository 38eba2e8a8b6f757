"""Real SRTP peers on the worst networks: what was sent is what is heard, and what is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from media.client import ControlClient
from media.control import StartRecording, Statistics, StopRecording, TransportChanged
from media.rtp import parse_packet
from media.sequence import Unwrapper
from recordings.capture.segment import RTP, SegmentFile
from tests.media.impairment import Relay
from tests.media.peers import Controller
from tests.media.srtp_peer import PACKETS_PER_FRAME, Heard, Line, SrtpPeer
from tests.media.workers import RunningWorker, running_worker, until

pytestmark = pytest.mark.real_time

PROGRAM = """
import json, sys
from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory
values = json.loads(sys.argv[1])
values |= {name: tuple(values[name]) for name in ("addresses", "networks")}
run_worker(MediaConfig(**values), JournalRecorderFactory())
"""
# Seconds of talk; LIANXIN_LONG_TESTS=1 makes them five minutes.
LONG = bool(os.environ.get("LIANXIN_LONG_TESTS"))
# What sounds within this time of being sent is heard in its place (seconds).
IN_TIME = 0.4


@contextlib.asynccontextmanager
async def two_talking(
    worker: RunningWorker, relay: Relay, folder: Path
) -> AsyncIterator[tuple[Controller, SrtpPeer, SrtpPeer]]:
    """Anna behind the relay, Bo beside the server; both are recorded from the first packet."""
    controller = Controller(client := ControlClient(worker.config.socket_path))
    await client.connect()
    anna = SrtpPeer(controller, "r", "anna", relay.port)
    bo = SrtpPeer(controller, "r", "bo", worker.config.port)
    try:
        for peer in (anna, bo):
            await peer.enter()
        await client.request(StartRecording(room_id="r", recording_id="one", directory=str(folder)))
        for peer in (anna, bo):
            await peer.subscribe()
            await until(lambda p=peer: p.subscribing.connected, 30, "subscribing")
            await peer.publish()
        await until(lambda: len(anna.heard) == len(bo.heard) == 2, 10, "media")
        yield controller, anna, bo
    finally:
        for peer in (anna, bo):
            await peer.close()
        await controller.close()


def recorded(folder: Path, who: str, line: Line) -> Counter[tuple[int, bytes]]:
    """What the journal holds of one source: index and payload of each packet, and how often."""
    found: Counter[tuple[int, bytes]] = Counter()
    numbers = Unwrapper()
    numbers.unwrap(min(line.sent) & 0xFFFF)
    for path in sorted(folder.rglob("*.lxj")):
        with SegmentFile(path) as segment:
            if (segment.header.participant_id, segment.header.source) != (who, line.source):
                continue
            for item in segment.items():
                assert hasattr(item, "kind"), f"damage in {path}"
                if item.kind == RTP:
                    packet = parse_packet(item.payload)
                    assert packet.ssrc == line.ssrc
                    found[numbers.unwrap(packet.sequence_number), packet.payload] += 1
    return found


def assert_whole(folder: Path, peer: SrtpPeer, lost: float = 0.0) -> str:
    """The recorded set of packets is the sent set, each once; what was found, in words.

    `lost`: the share that may be missing all the same.
    """
    told = []
    for line in peer.lines:
        found = recorded(folder, peer.names["participant_id"], line)
        missing, strange = line.sent.items() - found.keys(), found.keys() - line.sent.items()
        twice = [key for key, count in found.items() if count > 1]
        places = sorted(index - min(line.sent) for index, _ in missing)
        told_of = (line.source, places[:20], len(strange), len(twice))
        assert len(missing) <= lost * len(line.sent) and not (strange or twice), told_of
        told.append(f"{line.source}: {len(found)} recorded, {line.resent / len(found):.0%} sent again")
    return "; ".join(told)


def delays(line: Line, heard: Heard) -> list[float]:
    """Seconds each packet was under way, infinite for what never came; without the first half second."""
    edge = 25 * (PACKETS_PER_FRAME if line.is_video else 1)
    return [heard.delays.get(index, math.inf) for index in range(min(line.sent) + edge, line.next)]


def in_time(line: Line, heard: Heard) -> float:
    """The share of packets that came within IN_TIME."""
    found = delays(line, heard)
    return sum(delay < IN_TIME for delay in found) / len(found)


async def stop(controller: Controller, *peers: SrtpPeer) -> dict[str, Any]:
    """Let what is under way arrive, end the recording, and give the worker's counters."""
    for peer in peers:
        peer.fall_silent()
    await asyncio.sleep(2.5)
    await controller.client.request(StopRecording(room_id="r"))
    assert not controller.of(TransportChanged, state="closed")
    return (await controller.client.request(Statistics()))["worker"]


@pytest.mark.timeout(480)
async def test_late_overtaken_and_doubled_packets_are_recorded_once_each(tmp_path: Path) -> None:
    with running_worker(tmp_path, program=PROGRAM) as worker:
        async with Relay(worker.config.port, seed=21) as relay:
            for way in (relay.up, relay.down):
                way.jitter, way.reorder, way.duplicate = 0.6, 0.3, 0.1
            async with two_talking(worker, relay, tmp_path / "one") as (controller, anna, bo):
                await asyncio.sleep(300 if LONG else 12)
                counters = await stop(controller, anna, bo)
                print(assert_whole(tmp_path / "one", anna))
                print(assert_whole(tmp_path / "one", bo))
                copies = counters["replayed"]
                print(f"copies dropped: {copies} by the worker, {anna.subscribing.refused} by Anna")
                assert copies > 0.05 * relay.up.passed
                for line in (*anna.lines, *bo.lines):
                    hearer = bo if line in anna.lines else anna
                    heard = hearer.source(line.source)
                    assert max(delays(line, heard)) < math.inf and not heard.repeated
                    # What was only overtaken is hardly asked for.
                    assert line.resent < 0.3 * len(line.sent)
        assert "Traceback" not in worker.output()


@pytest.mark.timeout(480)
async def test_a_fifth_of_all_packets_lost_both_ways(tmp_path: Path) -> None:
    with running_worker(tmp_path, program=PROGRAM) as worker:
        async with (
            Relay(worker.config.port, seed=22) as relay,
            two_talking(worker, relay, tmp_path / "one") as (controller, anna, bo),
        ):
            relay.up.loss = relay.down.loss = 0.2
            await asyncio.sleep(300 if LONG else 10)
            # The last of each stream must not be lost, for nobody would know of it.
            relay.up.loss = relay.down.loss = 0.0
            await asyncio.sleep(0.5)
            await stop(controller, anna, bo)
            print(assert_whole(tmp_path / "one", anna, lost=0.001))
            for peer, hearer, way in ((anna, bo, "up"), (bo, anna, "down")):
                shares = [in_time(line, hearer.source(line.source)) for line in peer.lines]
                print(f"{way}: within {IN_TIME} s {shares[0]:.1%} of sound, {shares[1]:.1%} of pictures")
                assert shares[0] >= 0.97 and shares[1] >= 0.97
            assert relay.up.dropped > 0.15 * (relay.up.passed + relay.up.dropped)
        assert "Traceback" not in worker.output()
