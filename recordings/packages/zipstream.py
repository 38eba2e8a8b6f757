"""ZIP files as a stream of bytes (APPNOTE 6.3): stored, never compressed, ZIP64 where a size needs it.

Sizes are known before and checksums after the bytes went by, so every file carries a data descriptor
(section 4.3.9). Equal files give equal bytes, so a verifier can make the container again and compare.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cases.clock import BEIJING

FULL = 0xFFFFFFFF  # Says that the number stands in a ZIP64 field.
LIMIT = FULL  # From here on it does.
MANY = 0xFFFF
FLAGS = 0x0808  # Data descriptor, names in UTF-8.
UNIX_FILE = 0o100644 << 16


@dataclass(frozen=True)
class _Entry:
    name: bytes
    size: int
    crc: int
    offset: int

    @property
    def large(self) -> bool:
        return self.size >= LIMIT


class ZipStream:
    """Gives the bytes of one ZIP file, file after file. ``made_at``: RFC 3339, the time of every file."""

    def __init__(self, made_at: str) -> None:
        moment = datetime.fromisoformat(made_at.replace("Z", "+00:00")).astimezone(BEIJING)
        year = min(max(moment.year, 1980), 2107)
        self._day = (year - 1980) << 9 | moment.month << 5 | moment.day
        self._time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
        self._entries: list[_Entry] = []
        self._at = 0

    @property
    def length(self) -> int:
        """Bytes given so far."""
        return self._at

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of one file with what stands before and behind it. ``chunks`` together have ``size``."""
        raw, crc = name.encode(), 0
        entry = _Entry(raw, size, 0, self._at)
        yield self._local(entry)
        for data in chunks:
            crc = zlib.crc32(data, crc)
            yield data
        entry = _Entry(raw, size, crc, self._at)
        yield struct.pack("<IIQQ" if entry.large else "<IIII", 0x08074B50, crc, size, size)
        self._keep(entry)

    def skip(self, name: str, size: int) -> None:
        """Count a file without its bytes, where only the length is asked for."""
        self._keep(_Entry(name.encode(), size, 0, self._at))

    def _keep(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._at += len(self._local(entry)) + entry.size + (24 if entry.large else 16)

    def _local(self, entry: _Entry) -> bytes:
        """Local file header (section 4.3.7); its sizes are zero because the descriptor has them."""
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if entry.large else b""
        told = FULL if entry.large else 0
        version = 45 if entry.large else 20
        return (
            struct.pack(
                "<IHHHHHIIIHH", 0x04034B50, version, FLAGS, 0, self._time, self._day, 0, told, told,
                len(entry.name), len(extra),
            )
            + entry.name + extra
        )  # fmt: skip

    def _central(self, entry: _Entry) -> bytes:
        """Entry of the central directory (section 4.3.12)."""
        far = entry.offset >= LIMIT
        numbers = ([entry.size, entry.size] if entry.large else []) + ([entry.offset] if far else [])
        extra = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        size, version = (FULL if entry.large else entry.size), 45 if numbers else 20
        return (
            struct.pack(
                "<IHHHHHHIIIHHHHHII", 0x02014B50, 3 << 8 | version, version, FLAGS, 0, self._time, self._day,
                entry.crc, size, size, len(entry.name), len(extra), 0, 0, 0, UNIX_FILE,
                FULL if far else entry.offset,
            )
            + entry.name + extra
        )  # fmt: skip

    def end(self) -> bytes:
        """Central directory and what ends the file (sections 4.3.14 to 4.3.16)."""
        directory = b"".join(self._central(entry) for entry in self._entries)
        count, size, at = len(self._entries), len(directory), self._at
        far = count >= MANY or size >= LIMIT or at >= LIMIT
        large = b""
        if far:
            head = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 3 << 8 | 45, 45, 0, 0, count, count, size, at)
            large = head + struct.pack("<IIQI", 0x07064B50, 0, at + size, 1)
        short = min(count, MANY)
        ends = (FULL, FULL) if far else (size, at)
        return directory + large + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, short, short, *ends, 0)


def zip_length(files: Iterable[tuple[str, int]]) -> int:
    """Bytes of the ZIP of files with these names and sizes."""
    stream = ZipStream("1980-01-01T00:00:00Z")
    for name, size in files:
        stream.skip(name, size)
    return stream.length + len(stream.end())
