"""Holdings: what lies in the folder of one recording, without reading the journals; and folders of nobody.

Names and sizes are quickly looked up, the manifest is one small file. Whether every byte is as it was
sealed is asked by the patrol, see patrol.py.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recordings.evidence.clock_jumps import ClockJumps, jumps_of
from recordings.evidence.exhibits import EXHIBITS, kept_exhibits
from recordings.evidence.manifest import MANIFEST_FILE, sha256_hex

NAMED = 5  # of the files that are missing; the rest is a number


@dataclass
class Holding:
    """One folder held against its manifest. ``size`` is what the manifest says of all segments and
    exhibits, in bytes.

    ``missing`` and ``resized`` are paths of segments and exhibits; ``first_at`` and ``last_at`` bound what
    was recorded.
    """

    exists: bool = False
    manifest_sha256: str | None = None
    readable: bool = False
    recording_id: str | None = None
    session_id: str | None = None
    previous_sha256: str | None = None
    tracks: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None
    jumps: ClockJumps = field(default_factory=lambda: ClockJumps(()))


def look_into(folder: Path) -> Holding:
    """Read the manifest and look up every file it names. Never raises for what is wrong there."""
    holding = Holding(exists=folder.is_dir())
    try:
        data = (folder / MANIFEST_FILE).read_bytes()
    except OSError:
        return holding
    holding.manifest_sha256 = sha256_hex(data)
    try:
        _read(holding, folder, json.loads(data))
        holding.readable = True
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        holding.readable = False
    return holding


def without_segments(holding: Holding) -> Holding:
    """The same of an original that aged out: its segments lie in the archive, the rest stayed."""
    return replace(holding, missing=_exhibits_in(holding.missing), resized=_exhibits_in(holding.resized))


def _read(holding: Holding, folder: Path, manifest: dict[str, Any]) -> None:
    about = manifest["recording"]
    holding.recording_id, holding.session_id = str(about["id"]), str(about.get("session_id"))
    holding.previous_sha256 = manifest.get("chain", {}).get("previous_manifest_sha256")
    holding.tracks = len(manifest["tracks"])
    holding.jumps = jumps_of(manifest)
    for entry in (entry for track in manifest["tracks"] for entry in track["segments"]):
        _look_up(holding, folder, str(entry["path"]), int(entry["size"]))
        _stretch(holding, entry["first_at"], entry["last_at"])
    for entry in kept_exhibits(manifest):
        _look_up(holding, folder, str(entry["path"]), int(entry["size"]))


def _look_up(holding: Holding, folder: Path, name: str, size: int) -> None:
    holding.size += size
    found = _size_of(folder / name)
    if found is None:
        holding.missing.append(name)
    elif found != size:
        holding.resized.append(name)


def _exhibits_in(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(f"{EXHIBITS}/")]


def _stretch(holding: Holding, first: str | None, last: str | None) -> None:
    for moment in (datetime.fromisoformat(text) for text in (first, last) if text):
        holding.first_at = min(holding.first_at or moment, moment)
        holding.last_at = max(holding.last_at or moment, moment)


def _size_of(path: Path) -> int | None:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def unknown_folders(root: Path, known: Set[str], before: datetime) -> Iterator[tuple[str, int, int]]:
    """(name, files, bytes) of what lies below ``root`` and belongs to no row, by name.

    Left out are folders without a file, as two starts at once leave them, and what was touched after
    ``before``: its row may not have been written yet.
    """
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return
    for name in names:
        if name in known or name.startswith("."):
            continue
        files = _files_of(root / name)
        newest = max((file.st_mtime for file in files), default=0.0)
        if files and datetime.fromtimestamp(newest, UTC) < before:
            yield name, len(files), sum(file.st_size for file in files)


def _files_of(path: Path) -> list[os.stat_result]:
    try:
        found = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
        stats = [item.lstat() for item in found]
    except OSError:
        return []
    return [item for item in stats if not stat.S_ISDIR(item.st_mode)]
