"""Pieces that open by the right key, under the right name and digest, are still held against the manifest.

Whoever has the archive's key, its store and the database can write other bytes in place of an original, and
every seal of the archive itself is whole. The manifest was signed before there was an archive.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recordings.archive.key import MasterKey
from recordings.archive.objects import Piece, encrypt
from recordings.archive.proof import prove_archived
from recordings.archive.restore import IndexEntry
from recordings.evidence.digests import BLOCK, digests
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verdict import Verdict

PART = 700_000  # Parts end within blocks, and blocks within parts.
NAME = "tracks/p0-microphone/000001.lxj"
ORIGINAL = bytes(range(256)) * ((3 * BLOCK + 512) // 256)
SEALED = digests(ORIGINAL)
MASTER = MasterKey(bytes(32))
KEY, NONCE = b"k" * 32, b"n" * 12
WRAPPED = {
    "algorithm": "AES-256-GCM",
    "master": MASTER.name,
    "session_id": "s1",
    "nonce": NONCE.hex(),
    "wrapped": MASTER.wrap("s1", KEY, NONCE).hex(),
}


class Shelf:
    """A store in memory, written by somebody who has every key; the index is true to what lies there."""

    def __init__(self, kept: bytes, sha256: str, recording_id: str = "r1") -> None:
        self._sha256, self._recording_id = sha256, recording_id
        self.objects: dict[str, bytes] = {}
        self.rows: list[IndexEntry] = []
        parts = -(-len(kept) // PART)
        for part in range(1, parts + 1):
            plain = kept[(part - 1) * PART : part * PART]
            self._put(part, parts, plain, len(kept))

    def _put(self, part: int, parts: int, plain: bytes, size: int) -> None:
        name = f"{NAME}.{part}.lxa"
        piece = Piece(
            self._recording_id, NAME, part, parts, (part - 1) * PART, len(plain), size, self._sha256
        )
        data = encrypt(piece, plain, KEY, WRAPPED, bytes([part]) * 16)
        stored = hashlib.sha256(data).hexdigest()
        self.objects[name] = data
        self.rows.append(IndexEntry(name, NAME, part, parts, size, self._sha256, len(data), stored))

    async def get(self, name: str) -> bytes:
        return self.objects[name]


async def proven(shelf: Shelf, place: Path, **stated: Any) -> Verdict:
    """The verdict by a manifest that states the original."""
    entry = {"path": NAME, "size": len(ORIGINAL)} | SEALED | stated
    (place / MANIFEST_FILE).write_text(json.dumps({"tracks": [{"segments": [entry]}]}))
    return await prove_archived(shelf, shelf.rows, MASTER, "r1", Verdict(place))


async def found_in(kept: bytes, place: Path, **stated: Any) -> list[tuple[str, int | None, int | None]]:
    """Prove what was kept; code and range of each finding."""
    verdict = await proven(Shelf(kept, stated.get("sha256", SEALED["sha256"])), place, **stated)
    assert (verdict.segments, verdict.size) == (1, len(kept))
    assert all(each.path == NAME and NAME in each.text_zh for each in verdict.findings)
    return [(each.code, each.start, each.end) for each in verdict.findings]


async def test_the_original_is_proven(tmp_path: Path) -> None:
    assert await found_in(ORIGINAL, tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "start", "end"),
    [
        ((5,), 0, BLOCK),
        ((BLOCK + 7,), BLOCK, 2 * BLOCK),
        ((2 * BLOCK - 1, 2 * BLOCK), BLOCK, 3 * BLOCK),
        ((len(ORIGINAL) - 1,), 3 * BLOCK, len(ORIGINAL)),
    ],
)
async def test_other_bytes_are_located_by_their_blocks(
    tmp_path: Path, changed: tuple[int, ...], start: int, end: int
) -> None:
    kept = bytearray(ORIGINAL)
    for at in changed:
        kept[at] ^= 1
    assert await found_in(bytes(kept), tmp_path) == [("segment_damaged", start, end)]


@pytest.mark.parametrize(
    ("kept", "start", "end"),
    [
        (ORIGINAL[: -BLOCK - 600], BLOCK, len(ORIGINAL)),
        (ORIGINAL[: 2 * BLOCK], 2 * BLOCK, len(ORIGINAL)),
        (ORIGINAL + b"x", 3 * BLOCK, len(ORIGINAL) + 1),
        (ORIGINAL + bytes(BLOCK), 3 * BLOCK, len(ORIGINAL) + BLOCK),
    ],
    ids=["cut within a block", "cut between two", "a byte more", "a block more"],
)
async def test_what_was_cut_off_or_added_lies_in_the_range_that_is_named(
    tmp_path: Path, kept: bytes, start: int, end: int
) -> None:
    assert await found_in(kept, tmp_path) == [("segment_damaged", start, end)]


async def test_blocks_that_are_not_those_of_the_digest_name_the_whole(tmp_path: Path) -> None:
    assert await found_in(ORIGINAL, tmp_path, sha256="00" * 32) == [("segment_damaged", 0, len(ORIGINAL))]


async def test_a_second_digest_that_differs_is_told_by_itself(tmp_path: Path) -> None:
    assert await found_in(ORIGINAL, tmp_path, sm3="00" * 32) == [("sm3_wrong", 0, len(ORIGINAL))]


async def test_the_same_bytes_under_another_recording_s_name_prove_nothing(tmp_path: Path) -> None:
    """Two recordings of one session have one key: a piece of the one must not stand for one of the other."""
    shelf = Shelf(ORIGINAL, SEALED["sha256"], "r2")
    (finding,) = (await proven(shelf, tmp_path)).findings
    assert (finding.code, finding.start, finding.end) == ("segment_damaged", 0, len(ORIGINAL))


async def test_an_object_that_was_written_anew_is_not_the_one_that_was_noted(tmp_path: Path) -> None:
    shelf = Shelf(ORIGINAL, SEALED["sha256"])
    row = shelf.rows[1]
    shelf.rows[1] = replace(row, stored_sha256=hashlib.sha256(b"noted before").hexdigest())
    # Each object opens by its key and holds the very bytes, so that only its own digest tells.
    (finding,) = (await proven(shelf, tmp_path)).findings
    assert (finding.code, finding.start, finding.end) == ("segment_damaged", PART, len(ORIGINAL))
