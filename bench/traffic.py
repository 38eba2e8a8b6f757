"""RTP made ahead of time: only sequence, time stamp, picture id and the send stamp change per packet.

Video is what a browser sends at 1 Mbit/s: 23 frames a second of 5 packets of 1.1 kB, spread over the frame
as its pacer would. Sound is 50 Opus packets a second. The last 16 octets of each payload carry the stamp.
"""

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from bench.sdp import AUDIO_LEVEL_ID, MID_ID, OPUS, TRANSPORT_WIDE_ID, VP8

STAMP = struct.Struct("!IIQ")  # track number, packet number, send time in ns
RTP_HEADER = struct.Struct("!BBHII")

FRAMES_PER_SECOND = 23
PACKETS_PER_FRAME = 5
# A browser's pacer sends in steps of 5 ms, at 2.5 times the target rate.
PACKET_OFFSETS = (0.0, 0.0, 0.005, 0.005, 0.010)
# Of the transport-wide number, behind RTP header, extension header and the element's own octet.
WIDE_AT = 17
VIDEO_PACKET_SIZE = 1100
AUDIO_PACKET_SIZE = 120
KEY_FRAME_INTERVAL = 100 * FRAMES_PER_SECOND

# VP8 payload descriptor (RFC 7741 section 4.2): X and S set, I set, 15 bit picture id.
_FIRST_OF_FRAME = bytes((0x90, 0x80, 0x80, 0x00))
_NEXT_OF_FRAME = bytes((0x80, 0x80, 0x80, 0x00))
# VP8 frame header (RFC 6386 section 9.1): the lowest bit clear means key frame; start code, 640 x 360.
_KEY_FRAME = bytes((0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A)) + struct.pack("<HH", 640, 360)
_DELTA_FRAME = bytes((0x11, 0x02, 0x00))


@dataclass
class WideNumbers:
    """The transport-wide numbers of one peer, counted over all its tracks."""

    next: int = 0


def header_extension(mid: str, level: int | None, wide: bool = False) -> bytes:
    """A one-byte-header extension block (RFC 8285) with MID and, for sound, the level in -dBov (RFC 6464).

    With `wide` it begins with a transport-wide number, at octet WIDE_AT of the packet.
    """
    elements = bytes(((TRANSPORT_WIDE_ID << 4) | 1, 0, 0)) if wide else b""
    elements += bytes(((MID_ID << 4) | (len(mid) - 1),)) + mid.encode()
    if level is not None:
        elements += bytes((AUDIO_LEVEL_ID << 4, 0x80 | level))
    elements += bytes(-len(elements) % 4)
    return struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements


class PreparedTrack(ABC):
    """A stream of RTP packets that cost nearly nothing to make. With `wide` they bear its numbers."""

    def __init__(
        self, track: int, ssrc: int, mid: str, first_sequence: int = 1000, wide: WideNumbers | None = None
    ) -> None:
        self.track = track
        self.ssrc = ssrc
        self.mid = mid
        self.number = 0
        self.sequence_number = first_sequence
        self.timestamp = 90_000
        self.octets = 0
        self.due = 0.0
        self.wide = wide

    @abstractmethod
    def next(self, now_ns: int) -> bytearray:
        """The next packet, stamped with `now_ns`. The same buffer is used again: copy it at once."""

    def _finish(self, packet: bytearray, marker: int, payload_type: int, now_ns: int) -> bytearray:
        RTP_HEADER.pack_into(
            packet, 0, 0x90, marker << 7 | payload_type, self.sequence_number, self.timestamp, self.ssrc
        )
        if self.wide is not None:
            struct.pack_into("!H", packet, WIDE_AT, self.wide.next & 0xFFFF)
            self.wide.next += 1
        STAMP.pack_into(packet, len(packet) - STAMP.size, self.track, self.number, now_ns)
        self.number += 1
        self.octets += len(packet)
        self.sequence_number = (self.sequence_number + 1) & 0xFFFF
        return packet


class PreparedAudio(PreparedTrack):
    """50 packets a second with an audio level."""

    def __init__(
        self, track: int, ssrc: int, mid: str, first_sequence: int = 1000, wide: WideNumbers | None = None
    ) -> None:
        super().__init__(track, ssrc, mid, first_sequence, wide)
        extension = header_extension(mid, 30, wide is not None)
        # TOC 0x78: Opus CELT, full band, 20 ms, one frame (RFC 6716 section 3.1).
        body = bytes((0x78,)) + bytes(range(1, AUDIO_PACKET_SIZE - 12 - len(extension)))
        self.packet = bytearray(bytes(12) + extension + body)

    def next(self, now_ns: int) -> bytearray:
        packet = self._finish(self.packet, 0, OPUS, now_ns)
        self.timestamp = (self.timestamp + 960) & 0xFFFFFFFF
        self.due += 0.02
        return packet


class PreparedVideo(PreparedTrack):
    """23 frames a second of five packets each; a key frame first, when asked for, and every 100 seconds."""

    def __init__(
        self, track: int, ssrc: int, mid: str, first_sequence: int = 1000, wide: WideNumbers | None = None
    ) -> None:
        super().__init__(track, ssrc, mid, first_sequence, wide)
        self.key_frame_wanted = True
        self.key_frames = 0
        self._frame = 0
        self._part = 0
        extension = header_extension(mid, None, wide is not None)
        self.descriptor_at = 12 + len(extension)
        self.key_packet = self._template(extension, _FIRST_OF_FRAME + _KEY_FRAME)
        self.delta_packet = self._template(extension, _FIRST_OF_FRAME + _DELTA_FRAME)
        self.next_packet = self._template(extension, _NEXT_OF_FRAME)
        self._frame_start = 0.0

    def next(self, now_ns: int) -> bytearray:
        last = self._part == PACKETS_PER_FRAME - 1
        packet = self._template_of_part()
        struct.pack_into("!H", packet, self.descriptor_at + 2, 0x8000 | (self._frame & 0x7FFF))
        self._finish(packet, int(last), VP8, now_ns)
        self._advance(last)
        return packet

    def _template_of_part(self) -> bytearray:
        if self._part:
            return self.next_packet
        self._frame_start = self.due
        if self.key_frame_wanted or self._frame % KEY_FRAME_INTERVAL == 0:
            self.key_frame_wanted = False
            self.key_frames += 1
            return self.key_packet
        return self.delta_packet

    def _advance(self, last: bool) -> None:
        if last:
            self._part = 0
            self._frame += 1
            self.timestamp = (self.timestamp + 90_000 // FRAMES_PER_SECOND) & 0xFFFFFFFF
            self.due = self._frame_start + 1 / FRAMES_PER_SECOND
        else:
            self._part += 1
            self.due = self._frame_start + PACKET_OFFSETS[self._part]

    @staticmethod
    def _template(extension: bytes, start: bytes) -> bytearray:
        packet = bytes(12) + extension + start
        filler = bytes((index * 7) & 0xFF for index in range(VIDEO_PACKET_SIZE - len(packet)))
        return bytearray(packet + filler)


def sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int, octets: int) -> bytes:
    """An RTCP sender report without report blocks, followed by an SDES CNAME (RFC 3550 section 6.4.1)."""
    report = struct.pack(
        "!BBHIQIII", 0x80, 200, 6, ssrc, ntp, rtp_timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    )
    return report + source_description(ssrc)


def source_description(ssrc: int) -> bytes:
    """An SDES with the CNAME `bench` (RFC 3550 section 6.5)."""
    item = bytes((1, 5)) + b"bench" + b"\0"
    return struct.pack("!BBHI", 0x81, 202, 1 + len(item) // 4, ssrc) + item


def receiver_report(ssrc: int, sources: Sequence[tuple[int, int]]) -> bytes:
    """A receiver report: (source SSRC, extended highest sequence number) each, nothing lost."""
    blocks = b"".join(struct.pack("!IIIIII", source, 0, highest, 0, 0, 0) for source, highest in sources[:31])
    count = len(blocks) // 24
    return struct.pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, ssrc) + blocks


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """A PLI (RFC 4585 section 6.3.1), in a compound packet behind an empty receiver report."""
    return receiver_report(ssrc, []) + struct.pack("!BBHII", 0x81, 206, 2, ssrc, media_ssrc)


def negative_acknowledgement(ssrc: int, media_ssrc: int, sequence_numbers: Sequence[int]) -> bytes:
    """A generic NACK with one entry for each sequence number (RFC 4585 section 6.2.1)."""
    entries = b"".join(struct.pack("!HH", number, 0) for number in sequence_numbers)
    length = 2 + len(sequence_numbers)
    feedback = struct.pack("!BBHII", 0x81, 205, length, ssrc, media_ssrc) + entries
    return receiver_report(ssrc, []) + feedback
