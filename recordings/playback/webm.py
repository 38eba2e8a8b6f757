"""WebM: coded VP8 pictures or Opus packets in the bytes a browser's Media Source Extensions take.

Sources: EBML (RFC 8794), Matroska (RFC 9559), the WebM byte stream format of MSE (W3C registry). Nothing is
coded anew. Every frame states its length, so that a player holds a picture as long as it stood.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from recordings.playback.window import Shot

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
SCALE = 1_000_000  # ns; times are in milliseconds
CLUSTER = 30_000  # milliseconds; a block tells its time in 16 bits, from its cluster on
SEEK_PRE_ROLL = 80_000_000  # ns (RFC 7845 section 4.6)
TYPES = {"opus": 'audio/webm; codecs="opus"', "VP8": 'video/webm; codecs="vp8"'}


def element(name: int, content: bytes) -> bytes:
    """One EBML element: id, size, content."""
    size = len(content)
    width = next(width for width in range(1, 9) if size < (1 << 7 * width) - 1)
    head = (size | 1 << 7 * width).to_bytes(width, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + head + content


def number(name: int, value: int) -> bytes:
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def beginning(codec: str, first: bytes) -> bytes:
    """The initialization segment for a track of ``codec`` 'opus' or 'VP8' whose first frame is ``first``."""
    ebml = b"".join(
        (number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8),
         element(0x4282, b"webm"), number(0x4287, 4), number(0x4285, 2))
    )  # fmt: skip
    info = number(0x2AD7B1, SCALE) + element(0x4D80, b"Lianxin") + element(0x5741, b"Lianxin")
    track = number(0xD7, 1) + number(0x73C5, 1) + number(0x9C, 0)
    if codec == "opus":
        sides = 2 if first and first[0] & 0x04 else 1
        head = b"OpusHead" + struct.pack("<BBHIhB", 1, sides, 0, 48_000, 0, 0)  # RFC 7845 section 5.1
        audio = element(0xB5, struct.pack(">d", 48_000.0)) + number(0x9F, sides)
        track += number(0x83, 2) + element(0x86, b"A_OPUS") + element(0x63A2, head)
        track += number(0x56AA, 0) + number(0x56BB, SEEK_PRE_ROLL) + element(0xE1, audio)
    else:
        width, height = vp8_size(first)
        track += number(0x83, 1) + element(0x86, b"V_VP8")
        track += element(0xE0, number(0xB0, width) + number(0xBA, height))
    tracks = element(0x1654AE6B, element(0xAE, track))
    return element(0x1A45DFA3, ebml) + b"\x18\x53\x80\x67" + UNKNOWN_SIZE + element(0x1549A966, info) + tracks


def clusters(shots: Sequence[Shot]) -> bytes:
    """The media segments of these frames, none for none."""
    return b"".join(_cluster(group) for group in _grouped(shots))


def _grouped(shots: Iterable[Shot]) -> Iterator[list[tuple[int, Shot]]]:
    group: list[tuple[int, Shot]] = []
    for shot in shots:
        at = max(0, round(shot.at * 1000))
        if group and at - group[0][0] > CLUSTER:
            yield group
            group = []
        group.append((at, shot))
    if group:
        yield group


def _cluster(group: list[tuple[int, Shot]]) -> bytes:
    begin = group[0][0]
    blocks = [number(0xE7, begin)]
    for at, shot in group:
        # Until the next one to the millisecond, as each begins at a whole one.
        length = max(1, round((shot.at + shot.length) * 1000) - at)
        block = b"\x81" + struct.pack(">hB", at - begin, 0) + shot.data
        content = element(0xA1, block) + number(0x9B, length)
        if not shot.key:
            content += element(0xFB, b"\xff")  # refers to the one before
        blocks.append(element(0xA0, content))
    return element(0x1F43B675, b"".join(blocks))


def vp8_size(frame: bytes) -> tuple[int, int]:
    """Width and height of a key frame (RFC 6386 section 9.1); one pixel of what is none."""
    if len(frame) < 10 or frame[0] & 0x01:
        return 1, 1
    width, height = struct.unpack_from("<HH", frame, 6)
    return max(1, width & 0x3FFF), max(1, height & 0x3FFF)
