"""Two digests of every segment, and a chain that shows what was done to the files before they were sealed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from recordings.evidence import digests as digesting
from recordings.evidence.digests import (
    BLOCK,
    DoubleDigest,
    digests,
    file_digests,
    new_sm3,
    sm3_hex,
    whole_digests,
)
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import canonical, write_durably
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode, verify_folder
from tests.recordings.synthetic import PARTIES, seal, write_session

# GB/T 32905-2016, appendix A: digest of "abc".
SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def write(root: Path) -> Path:
    root.mkdir()
    write_session(root, 3.0, PARTIES[:1], (160, 90), roll_seconds=1)
    return root


def causes(root: Path) -> set[tuple[str, int]]:
    tracks = read_tracks(root, read_clock_map(root))
    found = [gap for track in tracks for gap in track["gaps"] if gap["cause"] == "changed_before_sealing"]
    return {(gap["cause"], gap["before_segment"]) for gap in found}


def test_sm3_is_the_standard_s_with_and_without_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sm3_hex(b"abc") == SM3_ABC
    monkeypatch.setattr(digesting.hashlib, "algorithms_available", {"sha256"})
    assert not hasattr(new_sm3(), "digest_size") and sm3_hex(b"abc") == SM3_ABC


def test_one_pass_gives_both_digests_and_the_blocks(tmp_path: Path) -> None:
    data = bytes(range(251)) * 10_000
    found = digests(data)
    assert found["sha256"] == hashlib.sha256(data).hexdigest() and found["sm3"] == sm3_hex(data)
    assert found["blocks_sha256"][1] == hashlib.sha256(data[BLOCK : 2 * BLOCK]).hexdigest()
    (tmp_path / "file").write_bytes(data)
    assert file_digests(tmp_path / "file") == whole_digests(data)
    assert DoubleDigest().found()["sha256"] == hashlib.sha256(b"").hexdigest()


def test_a_manifest_with_another_sm3_is_told_even_when_signed(tmp_path: Path) -> None:
    root = write(tmp_path / "rec")
    seal(root, 3.0, PARTIES[:1])
    verdict = verify_folder(root)
    assert verdict.intact and verdict.sm3_segments == verdict.segments > 3
    manifest = json.loads((root / "manifest.json").read_bytes())
    entry = manifest["tracks"][0]["segments"][1]
    entry["sm3"] = "0" * 64
    data = canonical(manifest)
    (root / "manifest.json").write_bytes(data)
    (root / "manifest.sig").write_bytes(canonical(load_signer(tmp_path / "keys").sign(data)))
    (finding,) = verify_folder(root).findings
    assert (finding.code, finding.path, finding.exit_code) == ("sm3_wrong", entry["path"], ExitCode.DAMAGED)


def test_segments_taken_or_changed_or_exchanged_before_sealing_leave_a_gap(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole")
    assert causes(whole) == set()
    for name, expected in (("taken", {3}), ("changed", {3}), ("exchanged", {1, 2, 3})):
        root = tmp_path / name
        shutil.copytree(whole, root)
        first, second, *_ = sorted((root / "tracks" / "p_city-camera").iterdir())
        if name == "taken":
            second.unlink()
        elif name == "changed":
            data = bytearray(second.read_bytes())
            data[len(data) // 2] ^= 1
            second.write_bytes(data)
        else:
            one, two = first.read_bytes(), second.read_bytes()
            first.write_bytes(two)
            second.write_bytes(one)
        numbers = {number for _, number in causes(root)}
        assert expected <= numbers, name


def test_what_a_killed_process_had_begun_to_write_goes_with_the_next_attempt(tmp_path: Path) -> None:
    """A file too many beside a sealed recording would look like one that somebody added."""
    target, kept = tmp_path / "manifest.json", tmp_path / ".manifest.json.note"
    for begun in (".manifest.json.4711", ".manifest.json.12"):
        (tmp_path / begun).write_bytes(b"{")
    kept.write_bytes(b"")
    write_durably(target, b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [kept.name, target.name]
    assert target.read_bytes() == b"{}"
