"""Fragments: coded H.264 pictures as fragmented MP4 for a browser's Media Source Extensions.

Sources: ISO/IEC 14496-12 (boxes), 14496-15 (avc3: parameter sets in the pictures, so that a size may change),
the ISO BMFF byte stream format of MSE. Nothing is coded anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import av

from recordings.film.depacketise import START_CODE
from recordings.playback.window import Shot

SCALE = 90_000  # units of time in a second
SPS, PPS = 7, 8
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
KEY, DELTA = 0x02000000, 0x01010000  # sample flags: needs no other; needs others, not a sync sample
UNSEEN = (640, 360)  # when the size cannot be told; the player takes it from the pictures


def units_of(frame: bytes) -> list[bytes]:
    """NAL units of an access unit in Annex B with four-byte start codes."""
    return [unit for unit in frame.split(START_CODE) if unit]


def kind_of(first: bytes) -> str:
    """The MIME type of a track that begins with key frame ``first`` (RFC 6381 section 3.3)."""
    sets = next((unit for unit in units_of(first) if unit[0] & 0x1F == SPS and len(unit) > 3), None)
    profile = sets[1:4].hex().upper() if sets else "42E01F"
    return f'video/mp4; codecs="avc3.{profile}"'


def box(name: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I", len(data) + 8) + name + data


def full(name: bytes, version: int, flags: int, *content: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def beginning(first: bytes) -> bytes:
    """The initialization segment of a track whose first key frame is ``first``."""
    width, height = _size(first)
    entry = box(
        b"avc3", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HH", width, height),
        struct.pack(">IIIH", 0x480000, 0x480000, 0, 1), bytes(32), struct.pack(">Hh", 0x18, -1),
        box(b"avcC", _configuration(first)),
    )  # fmt: skip
    empty = [full(name, 0, 0, struct.pack(">I", 0)) for name in (b"stts", b"stsc", b"stco")]
    table = box(
        b"stbl",
        full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        *empty,
        full(b"stsz", 0, 0, struct.pack(">II", 0, 0)),
    )
    reference = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    media = box(b"minf", full(b"vmhd", 0, 1, bytes(8)), reference, table)
    track = box(
        b"trak",
        full(b"tkhd", 0, 3, struct.pack(">IIIII", 0, 0, 1, 0, 0), bytes(8), struct.pack(">hhhH", 0, 0, 0, 0),
             MATRIX, struct.pack(">II", width << 16, height << 16)),
        box(b"mdia", full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, SCALE, 0, 0x55C4, 0)),
            full(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"Lianxin\0"), media),
    )  # fmt: skip
    header = full(
        b"mvhd", 0, 0, struct.pack(">IIII", 0, 0, SCALE, 0), struct.pack(">IH", 0x10000, 0x100), bytes(10),
        MATRIX, bytes(24), struct.pack(">I", 2),
    )  # fmt: skip
    extends = box(b"mvex", full(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0)))
    brands = box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6", b"avc1", b"mp41")
    return brands + box(b"moov", header, track, extends)


def fragment(shots: Sequence[Shot]) -> bytes:
    """One media segment of these frames; nothing for none."""
    if not shots:
        return b""
    samples = [_sample(shot.data) for shot in shots]
    rows = b"".join(
        struct.pack(">III", length, len(sample), KEY if shot.key else DELTA)
        for shot, sample, length in zip(shots, samples, _lengths(shots), strict=True)
    )
    start = max(0, round(shots[0].at * SCALE))

    def movie(offset: int) -> bytes:
        return box(
            b"moof",
            full(b"mfhd", 0, 0, struct.pack(">I", 1)),
            box(
                b"traf",
                full(b"tfhd", 0, 0x020000, struct.pack(">I", 1)),  # data lies from this moof on
                full(b"tfdt", 1, 0, struct.pack(">Q", start)),
                full(b"trun", 0, 0x000701, struct.pack(">Ii", len(shots), offset), rows),
            ),
        )

    return movie(len(movie(0)) + 8) + box(b"mdat", *samples)


def _lengths(shots: Sequence[Shot]) -> Iterator[int]:
    """Each until the next one begins, so that roundings do not add up; the last one as long as it is."""
    begins = [max(0, round(shot.at * SCALE)) for shot in shots]
    ends = begins[1:] + [begins[-1] + max(1, round(shots[-1].length * SCALE))]
    yield from (max(1, end - begin) for begin, end in zip(begins, ends, strict=True))


def _sample(frame: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units_of(frame))


def _configuration(first: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1)."""
    units = units_of(first)
    sets = [[unit for unit in units if unit[0] & 0x1F == kind] for kind in (SPS, PPS)]
    profile = sets[0][0][1:4] if sets[0] and len(sets[0][0]) > 3 else b"\x42\xe0\x1f"
    listed = [b"".join(struct.pack(">H", len(unit)) + unit for unit in each) for each in sets]
    counts = bytes((0xE0 | len(sets[0]),)), bytes((len(sets[1]),))
    return b"\x01" + profile + b"\xff" + counts[0] + listed[0] + counts[1] + listed[1]


def _size(first: bytes) -> tuple[int, int]:
    """Width and height in pixels, as a decoder finds them."""
    decoder = av.VideoCodecContext.create("h264", "r")
    decoder.thread_count = 1
    try:
        pictures = [*decoder.decode(av.Packet(first)), *decoder.decode(None)]
    except av.FFmpegError:
        return UNSEEN
    return (pictures[0].width, pictures[0].height) if pictures else UNSEEN
