"""Spill: segments that went to the second volume come home before a recording is sealed.

A sealed recording is one folder that proves itself; where its parts were written meanwhile is no matter then.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from recordings.capture.journal import file_sha256, sync_directory, tracks_of
from recordings.capture.segment import segment_paths
from recordings.evidence.inventory import segments_being_written

DRAFT = ".arriving-"
KEPT_FREE = 64 << 20  # bytes of the first volume that stay free for the recordings that run


class NoRoom(OSError):
    """The first volume cannot hold what lies on the second one."""


def bring_home(spilled: Path, folder: Path) -> int:
    """Move every segment below ``spilled`` to its place below ``folder``; returns how many.

    Copied, read back, compared, and only then removed there; killed at any moment, it goes on the next time.
    Segments that are being written stay. Blocks. Raises NoRoom, OSError.
    """
    if not spilled.is_dir() or segments_being_written(spilled):
        return 0
    moved = 0
    for track in tracks_of(spilled):
        target = folder / "tracks" / track.name
        target.mkdir(parents=True, exist_ok=True)
        for leftover in target.glob(f"{DRAFT}*"):
            leftover.unlink()
        for path in segment_paths(track):
            _move(path, target / path.name)
            moved += 1
        with suppress(OSError):
            track.rmdir()
    for empty in (spilled / "tracks", spilled):
        with suppress(OSError):
            empty.rmdir()
    return moved


def _move(source: Path, target: Path) -> None:
    digest = file_sha256(source)
    if not target.exists():
        size, free = source.stat().st_size, shutil.disk_usage(target.parent).free
        if size + KEPT_FREE > free:
            raise NoRoom(f"{source.name}: {size} bytes do not fit into {free}")
        _copy(source, target, digest)
    elif file_sha256(target) != digest:
        raise FileExistsError(f"{target} is another segment than {source}")
    source.unlink()
    sync_directory(source.parent)


def _copy(source: Path, target: Path, digest: str) -> None:
    draft = target.with_name(DRAFT + target.name)
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if file_sha256(draft) != digest:
            raise OSError(f"{target} does not read back as it was written")
        draft.replace(target)
        sync_directory(target.parent)
    finally:
        draft.unlink(missing_ok=True)
