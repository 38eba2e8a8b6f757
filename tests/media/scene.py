"""A publisher with every kind of source and receivers of every kind: real sockets, SRTP with fixed keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pylibsrtp import Policy, Session

from media.aiortc_port import SrtpPair
from media.fastlane import FastLane
from media.feedback import build_sender_report
from media.publication import Publication
from media.publisher import Publisher, read_offer
from media.redundancy import RedundancyOut
from media.reel import Records
from media.router import Router
from media.rtp import Packet
from media.sentlog import SentLog
from media.sink import PacketSink, SenderReport
from media.subscription import Subscription
from media.surroundings import Surroundings
from media.toplayer import TopLayer
from media.transport import Transport, TransportState
from recordings.capture.segment import RTP, Record, scan
from tests.media.loopback import CERTIFICATE, Loopback, Owner, binding_request, session
from tests.media.offers import offer, section

AUDIO, RED, VP8, H264 = 111, 63, 96, 103
WIDE, MID, RID, LEVEL, TURN = 3, 4, 10, 1, 13
SOURCES = {"0": "microphone", "1": "camera", "2": "screen"}


def description() -> str:
    sound = [*section("audio", "0", codecs=["111 opus/48000/2", "63 red/48000/2"], ssrc=11)]
    wide = f"a=extmap:{WIDE} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    back = ["a=rtcp-fb:* transport-cc"]
    camera = [
        *section("video", "1", codecs=["96 VP8/90000"]),
        f"a=extmap:{RID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        f"a=extmap:{TURN} urn:3gpp:video-orientation",
        *[f"a=rid:{rid} send" for rid in "qhf"],
        "a=simulcast:send q;h;f",
    ]
    screen = section("video", "2", codecs=["103 H264/90000"], ssrc=31)
    sections = [[*lines, wide, *back] for lines in (sound, camera, screen)]
    sections[0].append("a=fmtp:63 111/111")
    return offer(*sections)


@dataclass
class Recorder:
    """A recorder's sink."""

    written: list[tuple[bytes, int]] = field(default_factory=list)
    reports: list[tuple[int, int]] = field(default_factory=list)

    def write(self, packet: Packet, now: float) -> None:
        self.written.append((packet.data, int(now * 1e9)))

    def record(self, records: Records, layer: object) -> None:
        found = list(scan(records.framed))
        assert len(found) == records.count
        for record in found:
            assert isinstance(record, Record) and record.kind == RTP
            self.written.append((record.payload, record.monotonic_ns))

    def report(self, report: SenderReport, now: float) -> None:
        self.reports.append((report.ssrc, len(self.written)))

    def close(self, reason: str) -> None: ...


class ByHand:
    """An outlet that the compiled path does not know, such as TCP."""

    ready = True

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []

    def send_rtp(self, *packet: object) -> None:
        self.sent.append(packet)

    def send_rtcp(self, data: bytes) -> None: ...


class Stage:
    """A real Publisher with three sources and six receivers of each, over real sockets and SRTP."""

    def __init__(self, lane: FastLane | None) -> None:
        self.room_id = "r"
        self.loopback = Loopback(lane=lane)
        self.gate = self.loopback.gate
        self.router = Router(lambda publication, sink: None)
        self.now = 100.0
        self.recorders: dict[str, Recorder] = {}
        self.spies: dict[str, Recorder] = {}
        self.subscriptions: list[Subscription] = []
        self.hands: list[ByHand] = []
        surroundings = self.surroundings = Surroundings(
            self.loopback.config, self.gate, CERTIFICATE, None, lambda e: None, lambda: self.now, (), False
        )
        self.publisher = Publisher(self, "anna", surroundings)
        self.publisher.negotiate(read_offer(description(), SOURCES))
        self.peer, self.sending = self.connect(self.publisher.transport)
        self.out = [self.receiver() for _ in range(2)]
        self.out[1][0].sent = SentLog(5)
        for publication in self.publisher.publications:
            self.subscribe(publication)

    def connect(self, transport: Transport) -> tuple[Any, Session]:
        """Finish the handshake without DTLS: the peer's socket and its sending session."""
        if transport._task is not None:
            transport._task.cancel()
        there, here = bytes(range(44)), bytes(range(44, 88))
        transport._pair = SrtpPair(
            session(there, Policy.SSRC_ANY_INBOUND), session(here, Policy.SSRC_ANY_OUTBOUND)
        )
        transport._move(TransportState.CONNECTED)
        peer = self.loopback.stranger()
        peer.send(binding_request(transport))
        self.loopback.read(1, self.now)
        peer.recv(2048)
        return peer, session(there, Policy.SSRC_ANY_OUTBOUND)

    def receiver(self) -> tuple[Transport, Any]:
        transport = self.loopback.transport(Owner())
        return transport, self.connect(transport)[0]

    def subscribe(self, publication: Publication) -> None:
        name = publication.track.source
        made = [(transport, 1000 + i) for i, (transport, _) in enumerate(self.out)]
        self.hands.append(hand := ByHand())
        for outlet, number in [*made, (hand, 3000)]:
            ssrc = number + 10_000 * len(self.subscriptions)
            subscription = Subscription(publication, outlet, ssrc, 100, "anna", number)
            publication.attach(subscription)
            subscription.open()
            self.subscriptions.append(subscription)
            if name == "microphone" and outlet is self.out[0][0]:
                subscription.redundancy = RedundancyOut(120, subscription.state)
        self.recorders[name], self.spies[name] = Recorder(), Recorder()
        track: PacketSink = self.recorders[name]
        publication.attach_recorder(TopLayer(track) if len(publication.layers) > 1 else track)
        publication.attach(self.spies[name])

    # The room as the publisher sees it

    def publication_began(self, publication: Publication) -> None: ...
    def publication_started(self, publication: Publication) -> None: ...
    def publication_ended(self, publication: Publication, withdrawn: bool) -> None: ...

    def forward(self, publication: Publication, packet: Packet, now: float) -> None:
        self.router.forward(publication, packet, now)

    def share(self, publication: Publication, sinks: Any, packet: Packet, now: float) -> None:
        self.router.share(publication, sinks, packet, now)

    def deliver(self, publication: Publication) -> None:
        self.router.deliver(publication)

    def deliver_all(self) -> None:
        """As the tick of a room does."""
        for publication in self.publisher.publications:
            self.deliver(publication)

    def forward_report(self, publication: Publication, report: SenderReport, now: float) -> None:
        self.router.report(publication, report, now)

    # The peer

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.peer.send(self.sending.protect(packet))
        self.loopback.read(len(packets), self.now)

    def report(self, ssrc: int, timestamp: int) -> None:
        """A sender report of the peer."""
        ntp = int(self.now * (1 << 32))
        self.peer.send(
            self.sending.protect_rtcp(build_sender_report(SenderReport(ssrc, ntp, timestamp), "x"))
        )
        self.loopback.read(1, self.now)

    def heard(self) -> list[list[bytes]]:
        """What each receiver and the publisher got since the last call, encrypted: the keys are the same."""
        return [list(pending(peer)) for peer in (*(peer for _, peer in self.out), self.peer)]

    def counts(self) -> list[object]:
        told: list[object] = [dict(self.gate.counters)]
        for publication in self.publisher.publications:
            for layer in publication.layers:
                stats = layer.stats
                told.append((stats.received, stats.bytes, stats.highest, round(stats.jitter, 6), stats.lost))
                told.append(
                    (
                        layer.temporal_layers,
                        layer.loss.missing,
                        layer.loss.recovered,
                        layer.loss.overtaken,
                        layer.key_frames,
                    )
                )
                told.append(layer.temporal_layers)
                told.append((layer.present(self.now), layer.height, publication.loudness.level(self.now)))
                told.append([p.data for p in (layer.recall(i) for i in range(65_536, 66_200, 7)) if p])
        told += [(s.packets, s.octets, s.resends.count, s.layer and s.layer.rid) for s in self.subscriptions]
        log = self.publisher._arrivals
        assert log is not None
        told += list(log.take(1, 2))
        return told


def pending(peer: Any) -> Iterator[bytes]:
    peer.setblocking(False)
    while True:
        try:
            yield peer.recv(2048)
        except BlockingIOError:
            return


class Sender:
    """Makes packets as a browser does: numbers, levels, rids, transport-wide numbers; seeded."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.wide = 65_500
        self.numbers = {"voice": 65_530, "q": 100, "h": 200, "f": 300, "screen": 65_000}
        self.stamps = dict.fromkeys(self.numbers, 0xFFFF_F000)

    def packet(self, name: str, key: bool = False, last: bool = True) -> bytes:
        dice = self.dice
        self.numbers[name] = (self.numbers[name] + 1) & 0xFFFF
        self.wide = (self.wide + 1) & 0xFFFF
        if last:
            self.stamps[name] = (self.stamps[name] + (960 if name == "voice" else 3000)) & 0xFFFFFFFF
        elements = element(WIDE, self.wide.to_bytes(2, "big"))
        payload_type, body = self._media(name, key)
        if name == "voice":
            elements += element(LEVEL, bytes((dice.randrange(128),)))
        elif name in "qhf":
            elements += element(MID, b"1") + element(RID, name.encode())
            if last and dice.random() < 0.1:
                elements += element(TURN, bytes((dice.randrange(4),)))
        ssrc = {"voice": 11, "q": 41, "h": 42, "f": 43, "screen": 31}[name]
        return rtp(payload_type, last, self.numbers[name], self.stamps[name], ssrc, elements, body, dice)

    def _media(self, name: str, key: bool) -> tuple[int, bytes]:
        dice = self.dice
        body = dice.randbytes(dice.randrange(30, 900))
        if name == "voice":
            if dice.random() < 0.5:
                return AUDIO, body[:80]
            old = dice.randrange(1, 40)
            head = bytes((0x80 | AUDIO,)) + (960 << 10 | old).to_bytes(3, "big") + bytes((AUDIO,))
            return RED, head + body[: old + 60]
        if name == "screen":
            return H264, (b"\x67\x42" if key else b"\x41\x9a") + body
        picture = (self.numbers[name] * 3 & 0x7FFF | 0x8000).to_bytes(2, "big")
        # Picture id, TL0PICIDX, and TID with Y; now and then a frame of a higher temporal layer.
        tid = 0 if key else dice.choice((0, 0, 0, 1, 2)) << 6 | 0x20
        start = b"\x90\xe0" + picture + bytes((self.numbers[name] & 0xFF, tid))
        frame = b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" if key else b"\x11\x00\x00"
        return VP8, start + frame + body


def element(number: int, value: bytes) -> bytes:
    return bytes((number << 4 | len(value) - 1,)) + value


def rtp(
    kind: int, marker: bool, number: int, stamp: int, ssrc: int, elements: bytes, body: bytes, dice: Any
) -> bytes:
    elements += bytes(-len(elements) % 4)
    padding = dice.random() < 0.05
    if padding:
        body += b"\x00\x00\x03"
    head = bytes((0xB0 if padding else 0x90, marker << 7 | kind)) + number.to_bytes(2, "big")
    extension = b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big") + elements
    return head + stamp.to_bytes(4, "big") + ssrc.to_bytes(4, "big") + extension + body
