"""A disk that tells, outside the recording, of each write the kernel took; journals are held against it."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from recordings.capture.journal import Disk


@dataclass(frozen=True)
class Written:
    """``size`` bytes that lay at ``offset`` of a segment when the writer went on; ``crc`` is their CRC-32."""

    path: Path
    offset: int
    size: int
    crc: int

    def lies_in(self, path: Path) -> bool:
        """Are these bytes in the file, where they were written?"""
        with path.open("rb") as file:
            file.seek(self.offset)
            return zlib.crc32(file.read(self.size)) == self.crc


class WitnessedDisk(Disk):
    """Runs in the worker that is killed. First the write, then the word, so that it is true."""

    def __init__(self, diary: Path) -> None:
        self._diary = os.open(diary, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._open: dict[int, tuple[str, int]] = {}

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self._open[fd] = (str(path), 0)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        count = super().write(fd, data)
        path, offset = self._open[fd]
        self._open[fd] = (path, offset + count)
        line = json.dumps([path, offset, count, zlib.crc32(data[:count])])
        os.write(self._diary, line.encode() + b"\n")
        return count


def read_diary(diary: Path) -> list[Written]:
    """What was told; a last line that the kill cut short was not."""
    lines = diary.read_bytes().split(b"\n")[:-1] if diary.exists() else []
    return [Written(Path(path), *numbers) for path, *numbers in map(json.loads, lines)]
