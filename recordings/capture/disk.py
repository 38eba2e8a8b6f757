"""Disk: the calls of a recorder that can fail or wait for want of a disk; tests replace them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

_START_WRITING = 2  # SYNC_FILE_RANGE_WRITE of sync_file_range(2)


class Disk:
    """A real one. All raise OSError but `start_writing`, which is advice."""

    def create(self, path: Path) -> int:
        """A new file, opened for appending, locked until it is closed or the process dies."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError:
            os.close(fd)
            raise
        return fd

    def write(self, fd: int, data: bytes) -> int:
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def start_writing(self, fd: int) -> None:
        """Begin to bring the file's bytes out, so that forcing several files costs one journal commit."""
        if _sync_file_range is not None:
            _sync_file_range(fd, 0, 0, _START_WRITING)

    def sync(self, fd: int) -> None:
        """Come back when the file's bytes are on the disk."""
        os.fdatasync(fd)

    def sync_names(self, path: Path) -> None:
        """The same for the names in a directory."""
        sync_directory(path)

    def close(self, fd: int) -> None:
        os.close(fd)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _find_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if found is not None:
        found.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return found


_sync_file_range = _find_sync_file_range()
