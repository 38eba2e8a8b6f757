"""Live: the parties of tests.recordings.beeps as real peers in real time, to a film that is measured.

``python -m tests.recordings.live --minutes 10`` (``make lipsync``). Each party has a relay of its own that
loses, delays and doubles datagrams both ways (seeded), ICE, DTLS and SRTP of its own to a media worker in a
process of its own, and connects three times. It sends again what the server asks for, as browsers do. The
worker's recorder writes the journal; it is sealed and composed as every recording is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import struct
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiortc import RTCCertificate

from bench.arrivals import ArrivalBuffer
from bench.sdp import OPUS, VP8, OfferedTrack, read_description, write_offer
from bench.traffic import sender_report
from bench.wire import ConnectError, Wire
from media.client import ControlClient
from media.control import (
    AddParticipant,
    CreateRoom,
    Publish,
    RemoveParticipant,
    StartRecording,
    StopRecording,
)
from recordings.evidence.manifest import moment_text
from recordings.evidence.sealing import seal_folder
from recordings.evidence.signing import load_signer
from recordings.film.encoder import encode
from recordings.film.sound import RATE
from tests.media.impairment import Impairment, Relay
from tests.media.workers import running_worker
from tests.recordings.beeps import (
    CLOCK_SET_BY,
    DRIFT,
    FULL_LINE,
    PLAN,
    REPORTED_EVERY,
    WHO,
    Life,
    Measured,
    lives,
    measure,
    pictures,
    report,
    sounds,
)
from tests.recordings.synthetic import NTP_ERA, rtp, vp8_payloads

ROOM = "live"
AWAY = 8.0  # seconds between two connections: lost datagrams of DTLS are sent again after 1, 2 and 4 seconds
AHEAD = 7.5  # seconds before it talks that a party begins to connect
CODED_AFTER = {"microphone": 0.025, "camera": 0.12}  # seconds that a device and its coder take
LATEST = 1.5  # seconds after which nothing is sent any more that waited for the connection
MEMORY = 600  # packets that can be sent again
# Upwards; what comes down are checks and what the server asks for.
LINE = {"loss": 0.05, "burst": 2.0, "delay": 0.04, "jitter": 0.03, "reorder": 0.05, "duplicate": 0.02}
PROGRAM = """
import json, sys
from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory
values = json.loads(sys.argv[1])
values |= {name: tuple(values[name]) for name in ("addresses", "networks")}
run_worker(MediaConfig(**values), JournalRecorderFactory())
"""


Item = tuple[float, str, float, bytes]  # when it is sent, its source, when it was taken, coded


class Outgoing:
    """One RTP stream of one connection: numbers, memory, reports. ``now`` is in seconds of the session."""

    def __init__(self, wire: Wire, source: str, drift: float, begin: float, dice: random.Random) -> None:
        self._wire, self._drift, self._begin = wire, drift, begin
        self._is_video = source == "camera"
        self.ssrc, self._base, self._number = dice.getrandbits(32), dice.getrandbits(32), dice.getrandbits(16)
        self._every, self._reported = REPORTED_EVERY[source], float("-inf")
        self._packets = self._octets = self._turn = 0
        self._sent: OrderedDict[int, bytes] = OrderedDict()

    def _stamp(self, at: float) -> int:
        rate = 90_000 if self._is_video else RATE
        return (self._base + round((at - self._begin) * (1 + self._drift) * rate)) & 0xFFFFFFFF

    def send(self, taken: float, data: bytes, in_time: bool) -> None:
        """A picture or a packet of sound that was ``taken`` then; what is too late is lost."""
        stamp = self._stamp(taken) if self._is_video else (self._base + self._turn * 960) & 0xFFFFFFFF
        parts = vp8_payloads(data, self._turn) if self._is_video else [data]
        self._turn += 1
        for part in parts if in_time else ():
            last = self._is_video and part is parts[-1]
            packet = rtp(self._number, stamp, self.ssrc, part, last, VP8 if self._is_video else OPUS)
            protected = bytes(self._wire.protector.rtp(packet))
            self._sent[self._number] = protected
            if len(self._sent) > MEMORY:
                self._sent.popitem(last=False)
            self._number = (self._number + 1) & 0xFFFF
            self._packets, self._octets = self._packets + 1, self._octets + len(part)
            self._wire.send_plain(protected)

    def send_again(self, number: int) -> None:
        """As it went out before: SRTP has no second packet of a number (RFC 3711 section 3.3.2)."""
        if (data := self._sent.get(number)) is not None:
            self._wire.send_plain(data)

    def report(self, now: float, clock: float) -> None:
        """A sender report where one is due; ``clock`` is what the device takes for the time."""
        if self._packets and now >= self._reported + self._every:
            self._reported = now
            ntp = int((clock + NTP_ERA) * 2**32)
            self._wire.send_rtcp(sender_report(self.ssrc, ntp, self._stamp(now), self._packets, self._octets))


class Guest:
    """One party: its relay, and one connection after the other."""

    def __init__(self, stage: Stage, place: int, takes: list[list[Item]], relay: Relay) -> None:
        self._stage, self._place, self._takes, self._relay = stage, place, takes, relay
        self._party = WHO[place]
        self._dice = random.Random(f"guest {place}")
        self.asked = 0  # packets that the server wanted again

    async def talk(self) -> None:
        """All connections, each from AHEAD of its life to its end."""
        for number, life in enumerate(lives(self._stage.seconds, self._place, AWAY)):
            await self._stage.until(life.begin - AHEAD)
            wire = self._stage.wire()
            try:
                streams = await self._connect(wire, life, number)
                await self._play(wire, life, number, streams)
            finally:
                await wire.close(False)  # Gone without a word, as phones are.

    async def _connect(self, wire: Wire, life: Life, number: int) -> dict[str, Outgoing]:
        client, who = self._stage.client, self._party.participant_id
        if number:
            await client.request(RemoveParticipant(room_id=ROOM, participant_id=who))
        await client.request(AddParticipant(room_id=ROOM, participant_id=who))
        drifts = dict(zip(("microphone", "camera"), DRIFT[who], strict=True))
        streams = {
            source: Outgoing(wire, source, drift / 1e6, life.begin, self._dice)
            for source, drift in drifts.items()
        }
        tracks = [
            OfferedTrack("audio", "0", streams["microphone"].ssrc),
            OfferedTrack("video", "1", streams["camera"].ssrc),
        ]
        nack = f"a=rtcp-fb:{OPUS} nack\r\na=fmtp:{OPUS} "
        offer = write_offer(wire.local(), tracks).replace(f"a=fmtp:{OPUS} ", nack)
        sources: Any = {"0": "microphone", "1": "camera"}
        answer = await client.request(
            Publish(room_id=ROOM, participant_id=who, offer_sdp=offer, sources=sources)
        )
        wire.on_rtcp = lambda view, size, _: self._heed(bytes(view[:size]), streams)
        await wire.connect(read_description(self._relay.rewrite(answer["answer_sdp"])))
        return streams

    def _heed(self, data: bytes, streams: dict[str, Outgoing]) -> None:
        """Send again what generic NACKs name (RFC 4585 section 6.2.1)."""
        while len(data) >= 4:
            first, kind, words = struct.unpack_from("!BBH", data)
            block, data = data[: 4 * words + 4], data[4 * words + 4 :]
            if (first & 0x1F, kind) != (1, 205):
                continue
            (ssrc,) = struct.unpack_from("!I", block, 8)
            for stream in streams.values():
                if stream.ssrc == ssrc:
                    for number in _numbers_of(block[12:]):
                        self.asked += 1
                        stream.send_again(number)

    async def _play(self, wire: Wire, life: Life, number: int, streams: dict[str, Outgoing]) -> None:
        checked = life.begin
        for at, source, taken, data in self._takes[number]:
            await self._stage.until(at)
            now = self._stage.now()
            streams[source].send(taken, data, now - at < LATEST)
            for stream in streams.values():
                stream.report(now, self._clock(now))
            full = 0.45 < now / self._stage.seconds < 0.55
            self._relay.up.delay = LINE["delay"] + (FULL_LINE if full else 0.0)
            if now > checked + 2.5:  # RFC 7675
                checked = now
                wire.keep_alive()

    def _clock(self, now: float) -> float:
        """The device's own idea of the time; one party's is set in the middle."""
        was_set = self._place == 1 and now > self._stage.seconds / 2
        return self._stage.began + now + self._party.skew + (CLOCK_SET_BY if was_set else 0.0)


def _numbers_of(entries: bytes) -> Iterator[int]:
    for first, following in struct.iter_unpack("!HH", entries):
        yield first
        yield from ((first + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1)


def take(place: int, seconds: float) -> list[list[Item]]:
    """All that a party will send in each of its lives, coded beforehand, in the order in which it is due."""
    party = WHO[place]
    takes = []
    for life in lives(seconds, place, AWAY):
        made = {
            "microphone": sounds(life, place, party.tone, DRIFT[party.participant_id][0] / 1e6),
            "camera": pictures(life, place),
        }
        takes.append(
            sorted(
                (taken + CODED_AFTER[source], source, taken, data)
                for source, items in made.items()
                for taken, data in items
            )
        )
    return takes


class Stage:
    """The session's clock and what all guests share."""

    def __init__(self, client: ControlClient, seconds: float) -> None:
        self.client, self.seconds = client, seconds
        self._certificate, self._arrivals = RTCCertificate.generateCertificate(), ArrivalBuffer()
        self._zero = time.monotonic() + AHEAD + 1.0
        self.began = time.time() + self._zero - time.monotonic()  # wall time

    def now(self) -> float:
        return time.monotonic() - self._zero

    async def until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.now()))  # Also who is late lets others have their turn.

    def wire(self) -> Wire:
        return Wire(self._certificate, "127.0.0.1", self._arrivals)


async def record(root: Path, seconds: float, seed: int) -> tuple[float, list[Guest]]:
    """Have everybody talk for so long; when that began (seconds since the epoch)."""
    root.mkdir(parents=True)
    takes = [take(place, seconds) for place in range(len(WHO))]
    with running_worker(root.parent, PROGRAM, log_level="error") as worker:
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(ControlClient(worker.config.socket_path))
            await client.request(CreateRoom(room_id=ROOM))
            await client.request(StartRecording(room_id=ROOM, recording_id=ROOM, directory=str(root)))
            relays = [
                await stack.enter_async_context(Relay(worker.config.port, seed + 2 * place))
                for place in range(len(WHO))
            ]
            for relay in relays:
                relay.up, relay.down = Impairment(**LINE), Impairment(**LINE)
            stage = Stage(client, seconds)
            guests = [
                Guest(stage, place, *each) for place, each in enumerate(zip(takes, relays, strict=True))
            ]
            await asyncio.gather(*(guest.talk() for guest in guests))
            await client.request(StopRecording(room_id=ROOM, reason="session_closed"))
            return stage.began, guests


async def make_film(root: Path, seconds: float, seed: int = 1) -> tuple[Path, int]:
    """Record, seal and compose; the film, and how many packets were asked for again. Raises ConnectError."""
    began, guests = await record(root, seconds, seed)
    start, stop = (datetime.fromtimestamp(at, UTC) for at in (began, began + seconds))
    facts = {
        "recording": {
            "id": ROOM, "petition_number": "LZ2026-000123", "title": "声音与画面",
            "started_at": moment_text(start), "stopped_at": moment_text(stop),
        },
        "participants": [party.entry() for party in WHO],
        "sealed_at": moment_text(stop),
    }  # fmt: skip
    seal_folder(root, facts, load_signer(root.parent / "keys"))

    async def say(_: float) -> None:
        """Nobody waits for the progress."""

    await encode(root, root / "composed.mp4", PLAN, seconds, say)
    return root / "composed.mp4", sum(guest.asked for guest in guests)


def run(folder: Path, seconds: float) -> tuple[Measured, int]:
    film, asked = asyncio.run(make_film(folder / "rec", seconds))
    return measure(film, seconds, AWAY), asked


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recordings.live", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory(prefix="lianxin-live-") as folder:
        try:
            measured, asked = run(Path(folder), seconds)
        except ConnectError as error:
            print(f"!! {error}")
            return 1
    print(report(measured))
    print(f"{asked} packets were asked for again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
