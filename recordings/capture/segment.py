"""Journal segment: the original of one track, a file of framed records that survives a kill at any moment.

The layout is described for strangers in docs/recording-format.md; all integers are big-endian.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c

FILE_MAGIC = b"LXJSEG1\n"
RECORD_MAGIC = b"\xa5LXR"
SUFFIX = ".lxj"

RTP = 1  # Payload: one RTP packet as published, decrypted (RFC 3550 section 5.1).
SENDER_REPORT = 2  # Payload: SSRC u32, NTP time u64, RTP time u32 (RFC 3550 section 6.4.1).
MARK = 3  # Payload: JSON object, a gap with its cause or another remark.
FOOTER = 4  # Payload: JSON object; the last record of a segment that was closed in order.
KINDS = (RTP, SENDER_REPORT, MARK, FOOTER)

PAYLOAD_CEILING = 65_535
HEADER_CEILING = 16_384

_RECORD = struct.Struct(">4sB3xIQQ")  # magic, kind, three zero bytes, length, monotonic ns, wall ns
_LENGTH = struct.Struct(">I")
_REPORT = struct.Struct(">IQI")
RECORD_OVERHEAD = _RECORD.size + _LENGTH.size


@dataclass(frozen=True)
class SegmentHeader:
    """Who and what a segment holds, and which segment came before it.

    ``orientation_id`` numbers the header extension of media.orientation, 0 where there is none;
    packets of ``redundant_payload_type`` (0: none) are of media.redundancy. ``after_fault`` is the cause for
    which the same writer left the segment before, with nothing lost between the two.
    """

    recording_id: str
    participant_id: str
    source: str
    kind: str
    codec: str
    clock_rate: int
    channels: int
    payload_type: int
    fmtp: str
    segment: int
    previous_sha256: str | None
    started_monotonic_ns: int
    started_wall_ns: int
    boot_id: str
    software: str
    orientation_id: int = 0
    redundant_payload_type: int = 0
    after_fault: str = ""


class Record(NamedTuple):
    """One whole record; ``offset`` and ``end`` are its byte range in the file."""

    offset: int
    end: int
    kind: int
    monotonic_ns: int
    wall_ns: int
    payload: bytes


class Damage(NamedTuple):
    """A byte range in which no whole record can be read; ``tail`` when nothing readable follows."""

    offset: int
    end: int
    tail: bool


def encode_header(header: SegmentHeader) -> bytes:
    """The beginning of a segment file: magic, length, JSON, CRC-32C over all of it."""
    text = json.dumps(vars(header), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    head = FILE_MAGIC + _LENGTH.pack(len(text)) + text
    return head + _LENGTH.pack(google_crc32c.value(head))


def encode_record(kind: int, monotonic_ns: int, wall_ns: int, payload: bytes) -> bytes:
    """Frame one record of at most PAYLOAD_CEILING bytes; ValueError beyond."""
    if len(payload) > PAYLOAD_CEILING:
        raise ValueError(f"a record holds at most {PAYLOAD_CEILING} bytes, not {len(payload)}")
    body = _RECORD.pack(RECORD_MAGIC, kind, len(payload), monotonic_ns, wall_ns) + payload
    return body + _LENGTH.pack(google_crc32c.value(body))


def record_end(framed: bytes, offset: int) -> int:
    """Where the record that begins at ``offset`` of sound records ends."""
    return offset + RECORD_OVERHEAD + int(_RECORD.unpack_from(framed, offset)[2])


def record_time(framed: bytes, offset: int) -> int:
    """When the record that begins at ``offset`` of sound records came, monotonic ns."""
    return int(_RECORD.unpack_from(framed, offset)[3])


def encode_json(kind: int, monotonic_ns: int, wall_ns: int, content: dict[str, Any]) -> bytes:
    """Frame a MARK or a FOOTER."""
    return encode_record(kind, monotonic_ns, wall_ns, json.dumps(content, sort_keys=True).encode())


def pack_report(ssrc: int, ntp_time: int, rtp_time: int) -> bytes:
    """Payload of a SENDER_REPORT record."""
    return _REPORT.pack(ssrc, ntp_time, rtp_time)


def parse_report(payload: bytes) -> tuple[int, int, int] | None:
    """(ssrc, NTP 64 bit, RTP time), or None when the payload is not one."""
    return _REPORT.unpack(payload) if len(payload) == _REPORT.size else None


def parse_json(payload: bytes) -> dict[str, Any]:
    """Content of a MARK or FOOTER; empty when it is not a JSON object."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def parse_header(data: bytes | mmap.mmap) -> tuple[SegmentHeader | None, int]:
    """The header and the offset after it; (None, 0) when it is damaged or missing."""
    start = len(FILE_MAGIC) + _LENGTH.size
    if data[: len(FILE_MAGIC)] != FILE_MAGIC or len(data) < start:
        return None, 0
    (length,) = _LENGTH.unpack(data[len(FILE_MAGIC) : start])
    end = start + length + _LENGTH.size
    if length > HEADER_CEILING or len(data) < end:
        return None, 0
    if _LENGTH.unpack(data[end - _LENGTH.size : end])[0] != google_crc32c.value(data[: end - _LENGTH.size]):
        return None, 0
    header = _header_of(parse_json(data[start : start + length]))
    return header, end if header else 0


def _header_of(content: dict[str, Any]) -> SegmentHeader | None:
    found: dict[str, Any] = {}
    for field in fields(SegmentHeader):
        default = None if field.default is MISSING else field.default
        value = found[field.name] = content.get(field.name, default)
        expected = int if field.type == "int" else str
        if not isinstance(value, expected) and not (value is None and field.type == "str | None"):
            return None
    return SegmentHeader(**found)


def _record_at(data: bytes | mmap.mmap, offset: int) -> Record | None:
    head = data[offset : offset + _RECORD.size]
    if len(head) < _RECORD.size:
        return None
    magic, kind, length, monotonic_ns, wall_ns = _RECORD.unpack(head)
    if magic != RECORD_MAGIC or length > PAYLOAD_CEILING:
        return None
    end = offset + RECORD_OVERHEAD + length
    body = data[offset : end - _LENGTH.size]
    crc = data[end - _LENGTH.size : end]
    if len(crc) < _LENGTH.size or _LENGTH.unpack(crc)[0] != google_crc32c.value(body):
        return None
    return Record(offset, end, kind, monotonic_ns, wall_ns, body[_RECORD.size :])


def scan(data: bytes | mmap.mmap, offset: int = 0) -> Iterator[Record | Damage]:
    """Every whole record from ``offset`` on, and the byte ranges between them that cannot be read.

    After damage the scan goes on at the next record whose CRC-32C is right.
    """
    size = len(data)
    damaged_from: int | None = None
    while offset < size:
        record = _record_at(data, offset)
        if record is None:
            damaged_from = offset if damaged_from is None else damaged_from
            found = data.find(RECORD_MAGIC, offset + 1)
            offset = size if found < 0 else found
            continue
        if damaged_from is not None:
            yield Damage(damaged_from, offset, False)
            damaged_from = None
        yield record
        offset = record.end
    if damaged_from is not None:
        yield Damage(damaged_from, size, True)


class SegmentFile:
    """Read access to one segment, by memory map; never writes. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            file.seek(0, 2)
            self.size = file.tell()
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self.size else None
        self.data: bytes | mmap.mmap = self._map if self._map is not None else b""
        self.header, self.header_end = parse_header(self.data)

    def items(self) -> Iterator[Record | Damage]:
        """Records and damaged ranges; a damaged header is the first damaged range."""
        return scan(self.data, self.header_end)

    def close(self) -> None:
        self.data = b""
        if self._map is not None:
            self._map.close()
            self._map = None

    def __enter__(self) -> SegmentFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def segment_paths(track_directory: Path) -> list[Path]:
    """The segments of one track in their order."""
    return sorted(track_directory.glob(f"[0-9]*{SUFFIX}"))
