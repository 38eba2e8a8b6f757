"""A Publisher in a room of spies, fed with packets as they come out of SRTP."""

from __future__ import annotations

import struct
from dataclasses import replace

from media.config import MediaConfig
from media.publication import Publication
from media.publisher import Publisher, read_offer
from media.rtp import Packet
from media.sink import SenderReport, Source
from media.surroundings import Surroundings
from tests.media.loopback import CERTIFICATE, Loopback
from tests.media.offers import offer

MID = 4


class PublisherStage:
    """What a publisher of the given m-sections makes of packets; its tasks need a running loop."""

    room_id = "r"

    def __init__(self, sources: dict[str, Source], *sections: list[str]) -> None:
        self.loopback = Loopback()
        self.forwarded: list[Packet] = []
        self.began: list[Publication] = []
        config = replace(MediaConfig(0, ("127.0.0.1",), ""), handshake_timeout=60.0)
        surroundings = Surroundings(
            config, self.loopback.gate, CERTIFICATE, None, print, lambda: 1.0, ("127.0.0.1",), False
        )
        self.publisher = Publisher(self, "anna", surroundings)
        self.answer = self.publisher.negotiate(read_offer(offer(*sections), sources))

    @property
    def counters(self) -> dict[str, int]:
        return self.loopback.gate.counters

    def publication_began(self, publication: Publication) -> None:
        self.began.append(publication)

    def publication_started(self, publication: Publication) -> None: ...

    def publication_ended(self, publication: Publication, withdrawn: bool) -> None: ...

    def forward(self, publication: Publication, packet: Packet, now: float) -> None:
        self.forwarded.append(packet)

    def forward_report(self, publication: Publication, report: SenderReport, now: float) -> None: ...

    def take(self, *datagrams: bytes, now: float = 1.0) -> list[Packet]:
        """Feed them; what was forwarded because of them."""
        before = len(self.forwarded)
        for data in datagrams:
            self.publisher.take_packet(data, now)
        return self.forwarded[before:]

    async def close(self) -> None:
        self.publisher.close("test")
        await self.loopback.gate.close()
        self.loopback.close()


def datagram(
    payload_type: int,
    number: int,
    ssrc: int,
    payload: bytes,
    elements: dict[int, bytes] | None = None,
    timestamp: int = 9000,
    marker: bool = True,
    padding: int = 0,
) -> bytes:
    """One RTP packet; `elements` are one-byte header extensions by id."""
    block = b"".join(
        bytes((number << 4 | len(value) - 1,)) + value for number, value in (elements or {}).items()
    )
    block += bytes(-len(block) % 4)
    first = 0x80 | (0x10 if block else 0) | (0x20 if padding else 0)
    head = struct.pack(
        "!BBHLL", first, marker << 7 | payload_type, number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )
    if block:
        head += struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    return head + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")
