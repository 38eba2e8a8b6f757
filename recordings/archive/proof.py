"""Proof of what lies in the archive: files are read back and held against the manifest, a piece at a time.

Of an original that aged out its segments, of every recording the pages that were shown. At most one piece is
in memory, and nothing of it comes to the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from recordings.archive.key import MasterKey
from recordings.archive.objects import NotAnObject, Piece, decrypt, read_header
from recordings.archive.restore import Readable, Stored
from recordings.archive.store import StoreError
from recordings.evidence.digests import BLOCK, DoubleDigest
from recordings.evidence.exhibits import is_exhibit, kept_exhibits
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verdict import Finding, Verdict

LOST = ("missing", "corrupted")


class _Words(NamedTuple):
    """How a kind of file is called in findings, and the beginning of their codes."""

    zh: str
    en: str
    code: str


SEGMENT = _Words("分段", "Segment", "segment")
PAGE = _Words("出示的材料", "Page shown", "exhibit_copy")


@dataclass
class BlockDigests:
    """SHA-256 of each block of BLOCK bytes, whatever pieces the bytes come in."""

    found: list[str] = field(default_factory=list)
    _open: Any = field(default_factory=hashlib.sha256)
    _size: int = 0

    def add(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            part = data[at : at + BLOCK - self._size]
            self._open.update(part)
            self._size += len(part)
            at += len(part)
            if self._size == BLOCK:
                self.end()

    def end(self) -> None:
        """Nothing more comes, or a block is full."""
        if self._size:
            self.found.append(self._open.hexdigest())
            self._open, self._size = hashlib.sha256(), 0


async def prove_archived(
    store: Readable, rows: Sequence[Stored], master: MasterKey, recording_id: str, local: Verdict
) -> Verdict:
    """Add to ``local``, the verdict on what stayed here, what reading the segments back finds.

    Raises StoreError when the store does not answer, which proves nothing either way.
    """
    # That they are not here is as it should be.
    local.findings = [each for each in local.findings if each.code != "segment_missing"]
    entries = await asyncio.to_thread(_segments, local.folder)
    for entry in entries:
        local.segments += 1
        local.sm3_segments += "sm3" in entry
        await _prove_file(store, _pieces_of(rows, entry), master, recording_id, entry, local, SEGMENT)
    return local


async def prove_pages(
    store: Readable, rows: Sequence[Stored], master: MasterKey, recording_id: str, folder: Path
) -> Verdict:
    """What reading the archived copies of the pages that were shown finds; ``exhibits`` counts them.

    ``folder`` holds the manifest. Raises StoreError as ``prove_archived``.
    """
    found = Verdict(folder)
    for entry in await asyncio.to_thread(_pages, folder):
        found.exhibits += 1
        await _prove_file(store, _pieces_of(rows, entry), master, recording_id, entry, found, PAGE)
    return found


def _pieces_of(rows: Sequence[Stored], entry: dict[str, Any]) -> list[Stored]:
    pieces = (row for row in rows if (row.path, row.sha256) == (entry["path"], entry["sha256"]))
    return sorted(pieces, key=lambda row: row.part)


def _pages(folder: Path) -> list[dict[str, Any]]:
    """Of the manifest; none where it cannot be read, which the reading of the folder says."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        return [entry for entry in kept_exhibits(manifest) if is_exhibit(entry)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _segments(folder: Path) -> list[dict[str, Any]]:
    """Of the manifest; none where it cannot be read, which ``local`` says already."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        return [entry for track in manifest["tracks"] for entry in track["segments"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


async def _prove_file(
    store: Readable, pieces: Sequence[Stored], master: MasterKey, recording_id: str,
    entry: dict[str, Any], verdict: Verdict, words: _Words,
) -> None:  # fmt: skip
    name, double, blocks, at = entry["path"], DoubleDigest(), BlockDigests(), 0
    if [piece.part for piece in pieces] != list(range(1, (pieces[0].parts if pieces else 1) + 1)):
        zh, en = f"归档中缺少{words.zh} {name}。", f"{words.en} {name} is missing in the archive."
        code = f"{words.code}_missing"
        verdict.findings.append(Finding(code, name, zh, en, start=0, end=entry["size"]))
        return
    for stored in pieces:
        try:
            data = await store.get(stored.name)
            piece, plain = await asyncio.to_thread(_open, data, stored, master)
            if (piece.recording_id, piece.path, piece.part, piece.offset) != (
                recording_id, name, stored.part, at,
            ):  # fmt: skip
                raise NotAnObject("another piece")
        except (StoreError, NotAnObject) as error:
            if isinstance(error, StoreError) and error.cause not in LOST:
                raise
            zh = f"{words.zh} {name} 的归档对象 {stored.name} 读不出来或被改动，从第 {at} 字节起不能证明。"
            en = f"{words.en} {name}: archived object {stored.name} is gone or changed, from byte {at} on."
            found = Finding(f"{words.code}_damaged", name, zh, en, start=at, end=entry["size"])
            verdict.findings.append(found)
            return
        await asyncio.to_thread(_add, plain, double, blocks)
        at += len(plain)
    blocks.end()
    verdict.size += at
    _compare(entry, double, blocks, at, verdict, words)


def _open(data: bytes, stored: Stored, master: MasterKey) -> tuple[Piece, bytes]:
    if hashlib.sha256(data).hexdigest() != stored.stored_sha256:
        raise NotAnObject(f"{stored.name} is not what was written")
    return decrypt(data, master.unwrap(read_header(data).get("key") or {}))


def _add(plain: bytes, double: DoubleDigest, blocks: BlockDigests) -> None:
    double.add(plain)
    blocks.add(plain)


def _compare(
    entry: dict[str, Any], double: DoubleDigest, blocks: BlockDigests, size: int, verdict: Verdict,
    words: _Words,
) -> None:  # fmt: skip
    """The digests of the whole against the manifest; what differs is named by its blocks."""
    name, found = entry["path"], double.found()
    if (size, found["sha256"]) != (entry["size"], entry["sha256"]):
        # Also blocks that only one of the two has: cut off, or added.
        pairs = list(zip_longest(blocks.found, entry.get("blocks_sha256", ())))
        wrong = [number for number, (ours, sealed) in enumerate(pairs) if ours != sealed]
        wrong = wrong or [0, len(pairs) - 1]  # The manifest's blocks are not those of its digest.
        start, end = wrong[0] * BLOCK, min((wrong[-1] + 1) * BLOCK, max(size, entry["size"]))
        zh = f"归档中{words.zh} {name} 的第 {start} 至 {end} 字节（不含末位）与封存时不一致。"
        en = f"{words.en} {name} in the archive: bytes {start} to {end} (end excluded) are not as sealed."
        verdict.findings.append(Finding(f"{words.code}_damaged", name, zh, en, start=start, end=end))
    elif found["sm3"] != entry.get("sm3", found["sm3"]):
        zh = f"归档中{words.zh} {name} 的 SM3 摘要与清单不符。"
        en = f"The SM3 digest of {name} is not as stated."
        verdict.findings.append(Finding("sm3_wrong", name, zh, en, start=0, end=size))
