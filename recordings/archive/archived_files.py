"""Files to archive: what lies in a recording folder, whether it is as it was sealed, and its pieces."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from recordings.archive.objects import Piece
from recordings.archive.store import StoreError
from recordings.evidence.exhibits import kept_exhibits
from recordings.evidence.manifest import MANIFEST_FILE


def files_of(folder: Path) -> list[Path]:
    """Every file of a recording but drafts, whose names begin with a dot."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts)]


def sums_of(folder: Path, manifest_sha256: str | None) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of each file by relative path; blocks.

    Raises StoreError ``original_changed`` when segments, exhibits or manifest are not as they were sealed.
    """
    try:
        sums = {str(path.relative_to(folder)): sum_of(path) for path in files_of(folder)}
        if sums.get(MANIFEST_FILE, (0, None))[1] != manifest_sha256:
            raise StoreError("original_changed", MANIFEST_FILE)
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
    except OSError as error:
        raise StoreError("original_unreadable", str(error)) from error
    segments = [entry for track in manifest["tracks"] for entry in track["segments"]]
    for entry in (*segments, *kept_exhibits(manifest)):
        if sums.get(entry["path"]) != (entry["size"], entry["sha256"]):
            raise StoreError("original_changed", entry["path"])
    return sums


def sum_of(path: Path) -> tuple[int, str]:
    """Size and SHA-256 (hex) of one file; blocks."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def pieces_of(recording_id: str, path: str, size: int, digest: str, part: int) -> list[Piece]:
    """The pieces of ``part`` bytes that a file is archived in; an empty file is one empty piece."""
    starts = range(0, max(size, 1), part)
    return [
        Piece(recording_id, path, number, len(starts), start, min(part, size - start), size, digest)
        for number, start in enumerate(starts, 1)
    ]


def read_piece(folder: Path, piece: Piece) -> bytes:
    """The plain bytes of a piece; blocks. Raises StoreError."""
    try:
        with (folder / piece.path).open("rb") as file:
            file.seek(piece.offset)
            plain = file.read(piece.size)
    except OSError as error:
        raise StoreError("original_unreadable", str(error)) from error
    if len(plain) != piece.size:
        raise StoreError("original_changed", f"{piece.path} became shorter")
    return plain
