"""From RTP packets to frames: VP8 (RFC 7741), H.264 (RFC 6184), Opus (RFC 7587, RFC 2198).

Packets come in the order of their sequence numbers, so what is missing here never arrived. A video
frame that lacks a packet is left out, and so is everything after it until the next key frame: a
picture that stands still is honest, a smeared one is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from media.redundancy import RedundancyError, blocks_of

OPUS_RATE = 48_000
FRAME_CEILING = 4 << 20  # bytes; more is no camera frame


class DepacketiseError(ValueError):
    """The payload is not what its RFC says."""


class StreamPacket(NamedTuple):
    """One packet of one SSRC. ``number`` and ``timestamp`` are unwrapped; ``at`` is in seconds.

    ``orientation`` is the byte of media.orientation where the packet carries it; ``redundant`` says that
    the payload is blocks of media.redundancy. ``arrival`` is when it came, in seconds of the same clock.
    """

    number: int
    timestamp: int
    marker: bool
    payload: bytes
    at: float
    orientation: int | None = None
    redundant: bool = False
    arrival: float = 0.0


class Frame(NamedTuple):
    """One coded picture or one Opus packet, ready for a decoder; ``at`` in seconds.

    ``orientation`` is None for a picture that tells none: it stands as the one before. ``arrival`` is when
    the last packet of it came.
    """

    data: bytes
    key: bool
    timestamp: int
    at: float
    orientation: int | None = None
    arrival: float = 0.0


Join = Callable[[list[bytes]], tuple[bytes, bool]]


def frames_of(codec: str, packets: Iterable[StreamPacket]) -> Iterator[Frame]:
    """Frames of a stream of ``codec`` 'opus', 'VP8' or 'H264'; ValueError for another codec."""
    if codec.lower() == "opus":
        return _opus_frames(packets)
    if codec.upper() == "VP8":
        return _video_frames(packets, join_vp8)
    if codec.upper() == "H264":
        return _video_frames(packets, join_h264)
    raise ValueError(f"unknown codec {codec!r}")


def _opus_frames(packets: Iterable[StreamPacket]) -> Iterator[Frame]:
    """What is missing is taken from the packet after it, where that repeats it."""
    last: int | None = None
    for packet in packets:
        for data, age in _sounds_of(packet):
            timestamp = packet.timestamp - age
            if age and (last is None or timestamp <= last):
                continue  # It came itself, or is from before the beginning.
            yield Frame(data, True, timestamp, packet.at - age / OPUS_RATE, None, packet.arrival)
            last = timestamp


def _sounds_of(packet: StreamPacket) -> list[tuple[bytes, int]]:
    """Opus packets and their ages in RTP time units, the packet's own last."""
    if not packet.redundant:
        return [(packet.payload, 0)] if packet.payload else []
    try:
        *repeated, primary = blocks_of(packet.payload)
    except RedundancyError:
        return []
    same = [b for b in repeated if b.payload_type == primary.payload_type and b.data and b.age]
    same.sort(key=lambda block: -block.age)
    return [*((block.data, block.age) for block in same), (primary.data, 0)]


def _video_frames(packets: Iterable[StreamPacket], join: Join) -> Iterator[Frame]:
    intact, previous = False, None
    for group in _groups(packets):
        whole = _is_consecutive(group, previous)
        previous = group[-1].number
        payloads = [packet.payload for packet in group if packet.payload]
        if not payloads and whole:
            continue  # Padding only.
        try:
            data, key = join(payloads)
        except DepacketiseError:
            intact = False
            continue
        complete = _is_consecutive(group, None) and any(packet.marker for packet in group)
        intact = complete and (key or (whole and intact))
        if intact:
            came = max(packet.arrival for packet in group)
            yield Frame(data, key, group[0].timestamp, group[0].at, group[-1].orientation, came)


def _groups(packets: Iterable[StreamPacket]) -> Iterator[list[StreamPacket]]:
    """Packets of equal timestamp, which are one picture."""
    group: list[StreamPacket] = []
    for packet in packets:
        if group and packet.timestamp != group[0].timestamp:
            yield group
            group = []
        group.append(packet)
    if group:
        yield group


def _is_consecutive(group: list[StreamPacket], previous: int | None) -> bool:
    if previous is not None and group[0].number != previous + 1:
        return False
    return group[-1].number - group[0].number == len(group) - 1


def _limited(data: bytes) -> bytes:
    if len(data) > FRAME_CEILING:
        raise DepacketiseError("frame too large")
    return data


def vp8_descriptor_length(payload: bytes) -> int:
    """Length of the payload descriptor (RFC 7741 section 4.2)."""
    try:
        length = 1
        if payload[0] & 0x80:  # X
            flags = payload[1]
            length = 2
            if flags & 0x80:  # I: 7 or 15 bits of picture id
                length += 2 if payload[2] & 0x80 else 1
            length += bool(flags & 0x40)  # L
            length += bool(flags & 0x30)  # T or K share one byte
    except IndexError as error:
        raise DepacketiseError("VP8 descriptor is truncated") from error
    if length >= len(payload):
        raise DepacketiseError("VP8 payload is empty")
    return length


def join_vp8(payloads: list[bytes]) -> tuple[bytes, bool]:
    """One VP8 picture and whether it is a key frame; the first payload must begin partition 0."""
    if not payloads or payloads[0][0] & 0x17 != 0x10:  # S set, PID zero
        raise DepacketiseError("VP8 frame does not begin at its beginning")
    data = _limited(b"".join(payload[vp8_descriptor_length(payload) :] for payload in payloads))
    key = not data[0] & 0x01  # RFC 6386 section 9.1
    if key and (len(data) < 10 or data[3:6] != b"\x9d\x01\x2a"):
        raise DepacketiseError("VP8 key frame without start code")
    return data, key


START_CODE = b"\x00\x00\x00\x01"


def join_h264(payloads: list[bytes]) -> tuple[bytes, bool]:
    """One access unit as Annex B byte stream and whether it holds an IDR slice (RFC 6184 section 5)."""
    units: list[bytes] = []
    fragment: bytearray | None = None
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 28:
            fragment = _add_fragment(payload, fragment, units)
            continue
        if fragment is not None:
            raise DepacketiseError("FU-A without an end")
        if kind == 24:
            units.extend(_split_stap(payload))
        elif 1 <= kind <= 23:
            units.append(payload)
        else:
            raise DepacketiseError(f"NAL unit type {kind}")
    if fragment is not None or not units:
        raise DepacketiseError("no whole NAL unit")
    key = any(unit[0] & 0x1F == 5 for unit in units)
    return _limited(b"".join(START_CODE + unit for unit in units)), key


def _add_fragment(payload: bytes, fragment: bytearray | None, units: list[bytes]) -> bytearray | None:
    """FU-A (RFC 6184 section 5.8)."""
    if len(payload) < 3:
        raise DepacketiseError("FU-A is truncated")
    start, end = payload[1] & 0x80, payload[1] & 0x40
    if bool(start) == (fragment is not None) or (start and end):
        raise DepacketiseError("FU-A out of order")
    if fragment is None:
        fragment = bytearray([payload[0] & 0xE0 | payload[1] & 0x1F])
    fragment += payload[2:]
    if not end:
        return fragment
    units.append(bytes(fragment))
    return None


def _split_stap(payload: bytes) -> Iterator[bytes]:
    """STAP-A (RFC 6184 section 5.7.1)."""
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        unit = payload[position + 2 : position + 2 + size]
        if not size or len(unit) < size:
            raise DepacketiseError("STAP-A is truncated")
        yield unit
        position += 2 + size
