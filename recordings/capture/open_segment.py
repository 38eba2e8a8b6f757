"""The file of a segment that is being written: one thread appends to it, another forces it to the disk."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from recordings.capture.disk import Disk


class OpenSegment:
    """Owned: the file, which is closed by whichever thread lets go of it last. Made by the writer thread.

    `written` counts its bytes, `forced` those of them that are known to be on the disk. A file that could
    not be forced once is never forced again: the system tells of lost pages only once.
    """

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._directory = path.parent
        self._fd = disk.create(path)
        self._holders = 1
        self._lock = threading.Lock()
        self._forcing = threading.Lock()
        self._is_named = False
        self._failure: OSError | None = None
        self.written = self.forced = 0

    @property
    def failure(self) -> OSError | None:
        """Why it could not be forced."""
        return self._failure

    @property
    def is_closed(self) -> bool:
        return self._holders == 0

    def write(self, data: bytes) -> int:
        """Append; how many bytes were taken. Raises OSError."""
        count = self._disk.write(self._fd, data)
        self.written += count
        return count

    def truncate(self, size: int) -> None:
        """Cut off what lies behind that many bytes. Raises OSError."""
        self._disk.truncate(self._fd, size)
        self.written, self.forced = size, min(size, self.forced)

    def start_writing(self) -> None:
        """Let the disk begin; costs a moment."""
        self._disk.start_writing(self._fd)

    def force(self) -> None:
        """Come back when all that was written before lies on the disk under its name. Raises OSError."""
        with self._forcing:
            if self._failure is not None:
                raise self._failure
            size = self.written
            if size <= self.forced:
                return
            try:
                if not self._is_named:
                    self._disk.sync_names(self._directory)
                    self._is_named = True
                self._disk.sync(self._fd)
            except OSError as error:
                self._failure = error
                raise
            self.forced = size

    def hold(self) -> bool:
        """Another thread works with it from here until it lets go; False when it is closed already."""
        with self._lock:
            if not self._holders:
                return False
            self._holders += 1
            return True

    def let_go(self) -> None:
        """The calling thread does not use it any more. Nothing is lost by a close that fails."""
        with self._lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            with suppress(OSError):
                self._disk.close(self._fd)
