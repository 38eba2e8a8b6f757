"""A stranger's reader, written from docs/recording-format.md alone, reads what we write."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.recordings.synthetic import PARTIES, seal, write_session

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "recording-format.md").read_text(encoding="utf-8")


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), bit by bit; reflected polynomial 0x82F63B78."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read_segment(data: bytes) -> tuple[dict[str, Any], list[tuple[int, int, int, bytes]]]:
    assert data[:8] == bytes.fromhex("4C584A53454731 0A".replace(" ", ""))
    (length,) = struct.unpack(">I", data[8:12])
    header = json.loads(data[12 : 12 + length])
    assert struct.unpack(">I", data[12 + length : 16 + length])[0] == crc32c(data[: 12 + length])
    place, records = 16 + length, []
    while place < len(data):
        assert data[place : place + 4] == bytes.fromhex("A54C5852")
        assert data[place + 5 : place + 8] == bytes(3)
        count, monotonic, wall = struct.unpack(">IQQ", data[place + 8 : place + 28])
        end = place + 28 + count
        assert struct.unpack(">I", data[end : end + 4])[0] == crc32c(data[place:end])
        records.append((data[place + 4], monotonic, wall, data[place + 28 : end]))
        place = end + 4
    return header, records


def test_a_stranger_reads_and_checks_a_recording(tmp_path: Path) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    write_session(root, 0.5, PARTIES[:1], (160, 90))
    seal(root, 0.5, PARTIES[:1])
    manifest = json.loads((root / "manifest.json").read_bytes())
    chain = "0" * 64
    for track in manifest["tracks"]:
        for entry in track["segments"]:
            data = (root / entry["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == entry["sha256"]
            chain = hashlib.sha256((chain + entry["sha256"]).encode()).hexdigest()
            assert entry["chain_sha256"] == chain
            header, records = read_segment(data)
            assert (header["source"], header["participant_id"]) == (track["source"], track["participant_id"])
            assert sum(kind == 1 for kind, *_ in records) == entry["packets"]
            assert records[-1][0] == 4 and json.loads(records[-1][3])["reason"] == entry["closed"]
            assert json.loads(records[-1][3])["records"] == len(records) - 1
    signature = json.loads((root / "manifest.sig").read_bytes())
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
    key.verify(bytes.fromhex(signature["signature"]), (root / "manifest.json").read_bytes())


def test_every_key_we_write_is_described(tmp_path: Path) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    write_session(root, 0.5, PARTIES[:1], (160, 90))
    seal(root, 0.5, PARTIES[:1])
    manifest = json.loads((root / "manifest.json").read_bytes())
    header, _ = read_segment((root / manifest["tracks"][0]["segments"][0]["path"]).read_bytes())
    described = set(re.findall(r"`([\w:]+)`", DOCUMENT))
    track = manifest["tracks"][0]
    for keys in (manifest, header, track, track["segments"][0], manifest["clock"]["boots"][0]):
        assert set(keys) <= described, set(keys) - described


def test_every_cause_of_a_gap_is_described() -> None:
    code = "".join(
        (ROOT / "recordings" / name).read_text(encoding="utf-8")
        for name in ("track_recorder.py", "inventory.py")
    )
    causes = set(re.findall(r'"((?:queue|disk|worker|torn|no|not)_\w+)"', code)) | {"damaged"}
    causes -= {"worker_stopped", "disk_id"}
    assert len(causes) >= 7
    for cause in causes:
        assert f"`{cause}`" in DOCUMENT, cause
