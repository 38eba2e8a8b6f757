"""docs/recording-format.md is enough: a reader made of its tables alone reads what we write, also damaged."""

from __future__ import annotations

import ast
import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recordings.archive.key import ALGORITHM, MasterKey
from recordings.archive.objects import Piece, encrypt
from recordings.capture import segment
from recordings.evidence.manifest import canonical
from recordings.packages.check import verify_path
from recordings.packages.package import write_folder
from tests.recordings import stranger
from tests.recordings.exports import make_package, write_recording
from tests.recordings.sitting import Sitting
from tests.recordings.synthetic import PARTIES, seal, write_session
from tests.recordings.test_worker import make_worker

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("format") / "rec"
    root.mkdir()
    write_session(root, 0.5, PARTIES[:1], (160, 90), roll_seconds=0.3)
    journal_of_marks(root)
    seal(root, 0.5, PARTIES[:1])
    return root


def journal_of_marks(root: Path) -> None:
    """A last segment with every kind of record, one that nobody knows among them, and no footer."""
    track = root / "tracks" / "p_city-microphone"
    last = sorted(track.glob("*.lxj"))[-1]
    with segment.SegmentFile(last) as file:
        assert file.header is not None
        fields = {**vars(file.header), "segment": file.header.segment + 1, "after_fault": "disk_slow"}
        at = file.header.started_monotonic_ns
    gap = {
        "type": "gap",
        "cause": "queue_full",
        "dropped": 3,
        "from_monotonic_ns": at,
        "to_monotonic_ns": at + 1,
    }
    records = [
        segment.encode_header(segment.SegmentHeader(**fields)),
        segment.encode_json(segment.MARK, at, at, gap),
        segment.encode_record(segment.SENDER_REPORT, at, at, segment.pack_report(7, 1 << 63, 9)),
        segment.encode_record(9, at, at, b"of a later version"),
        segment.encode_record(segment.RTP, at + 5, at + 6, bytes(65_535)),
    ]
    (track / f"{fields['segment']:06d}.lxj").write_bytes(b"".join(records))


def compare(data: bytes, path: Path) -> tuple[int, int]:
    """The stranger and we read the same of these bytes. Returns numbers of records and damaged ranges."""
    path.write_bytes(data)
    header, records, damaged = stranger.read_segment(data)
    with segment.SegmentFile(path) as file:
        ours = list(file.items())
        assert (header is None) == (file.header is None)
        if file.header is not None and header is not None:
            assert {key: getattr(file.header, key) for key in header} == header
    assert [tuple(item) for item in ours if isinstance(item, segment.Record)] == [tuple(r) for r in records]
    assert [tuple(item) for item in ours if isinstance(item, segment.Damage)] == damaged
    return len(records), len(damaged)


def test_the_stranger_knows_nothing_of_ours() -> None:
    tree = ast.parse(Path(stranger.__file__).read_text(encoding="utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert {"media", "recordings", "tests"} <= ours
    assert not [name for name in names if name.split(".")[0] in ours]


def test_every_segment_is_read_alike(folder: Path, tmp_path: Path) -> None:
    kinds = set()
    for path in sorted(folder.rglob("*.lxj")):
        data = path.read_bytes()
        count, damaged = compare(data, tmp_path / "one.lxj")
        assert count > 1 and damaged == 0
        header, records, _ = stranger.read_segment(data)
        kinds |= {stranger.KINDS.get(record.kind, "unknown") for record in records}
        assert header is not None
        for key, types in stranger.typed_keys().items():
            assert isinstance(header[key], types) and not isinstance(header[key], bool), key
        for record in records:
            if stranger.KINDS.get(record.kind) == "sender report":
                ours = segment.parse_report(record.payload)
                assert tuple(stranger.read_report(record.payload).values()) == ours
    assert kinds == {*stranger.KINDS.values(), "unknown"}
    assert {segment.RTP, segment.SENDER_REPORT, segment.MARK, segment.FOOTER} == set(stranger.KINDS)
    assert (stranger.CEILING, stranger.MAGIC) == (segment.PAYLOAD_CEILING, segment.RECORD_MAGIC)


def test_a_journal_cut_anywhere_or_with_garbage_in_it_is_read_alike(folder: Path, tmp_path: Path) -> None:
    """Cuts, zeros, garbage, false magic, doubled and missing parts: both find the same records and ranges."""
    seeded = random.Random(20_261_122)
    whole = (folder / "tracks" / "p_city-microphone" / "000001.lxj").read_bytes()
    found = 0
    for number in range(120):
        at, length = seeded.randrange(len(whole)), seeded.choice((1, 3, 40, 512))
        data = (
            whole[:at],
            whole[:at] + bytes(length) + whole[at + length :],
            whole[:at] + seeded.randbytes(length) + whole[at:],
            whole[:at] + stranger.MAGIC * length + whole[at + 4 * length :],
            whole[:at] + whole[max(0, at - length) :],
            whole[at:],
        )[number % 6]
        count, damaged = compare(data, tmp_path / "odd.lxj")
        found += damaged
        assert count + damaged > 0 or not data
    assert found > 80


def test_a_stranger_reads_and_checks_a_recording(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    chain = "0" * 64
    for track in manifest["tracks"]:
        for entry in track["segments"]:
            data = (folder / entry["path"]).read_bytes()
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry["sha256"], entry["size"])
            chain = hashlib.sha256((chain + entry["sha256"]).encode()).hexdigest()
            assert entry["chain_sha256"] == chain
            header, records, _ = stranger.read_segment(data)
            assert header is not None
            assert (header["source"], header["participant_id"]) == (track["source"], track["participant_id"])
            kinds = [stranger.KINDS.get(record.kind) for record in records]
            assert (len(records), kinds.count("RTP")) == (entry["records"], entry["packets"])
            closed = json.loads(records[-1].payload) if kinds[-1] == "footer" else {"reason": None}
            assert closed["reason"] == entry["closed"]
            assert closed.get("records", len(records) - 1) == len(records) - 1
            (boot,) = [b for b in manifest["clock"]["boots"] if b["boot_id"] == header["boot_id"]]
            first = boot["wall_ns"] + records[0].monotonic_ns - boot["monotonic_ns"]
            assert f"{first % 10**9 // 1000:06d}Z" == entry["first_at"][-7:]
    signature = json.loads((folder / "manifest.sig").read_bytes())
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
    key.verify(bytes.fromhex(signature["signature"]), (folder / "manifest.json").read_bytes())


def keys_of(value: Any) -> Iterator[str]:
    """All keys in there, but for the contents of events."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield key
            if key != "data":
                yield from keys_of(below)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


async def test_every_key_of_a_real_manifest_is_described(sitting: Sitting) -> None:
    recording = await sitting.record(0.5, PARTIES[3:], size=(160, 90))
    await make_worker(sitting).work_once()
    folder = recording.folder(sitting.root)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert set(keys_of(manifest)) <= stranger.named("Manifest"), set(keys_of(manifest)) - stranger.named(
        "Manifest"
    )
    signature = json.loads((folder / "manifest.sig").read_bytes())
    assert set(keys_of(signature)) <= stranger.named("Signature")


def test_every_key_and_cause_in_a_journal_is_described(folder: Path) -> None:
    for path in folder.rglob("*.lxj"):
        header, records, _ = stranger.read_segment(path.read_bytes())
        assert set(header or ()) == set(stranger.typed_keys())
        for record in records:
            if stranger.KINDS.get(record.kind) in ("mark", "footer"):
                assert set(json.loads(record.payload)) <= stranger.named("Segment")
    code = "".join(
        (ROOT / "recordings" / name).read_text(encoding="utf-8")
        for name in ("capture/track_recorder.py", "evidence/inventory.py")
    )
    causes = set(re.findall(r'"((?:queue|disk|worker|torn|no|not)_\w+)"', code)) | {"damaged"}
    causes -= {"worker_stopped", "disk_id"}
    assert len(causes) >= 7
    assert causes <= stranger.named("Manifest")


def test_archived_objects_are_opened_by_the_table() -> None:
    seeded = random.Random(5)
    master, session_key, nonce = seeded.randbytes(32), seeded.randbytes(32), seeded.randbytes(12)
    key = MasterKey(master)
    wrapped = {
        "algorithm": ALGORITHM,
        "master": key.name,
        "session_id": "s1",
        "nonce": nonce.hex(),
        "wrapped": key.wrap("s1", session_key, nonce).hex(),
    }
    for size in (0, 1, (1 << 20) - 1, 1 << 20, (2 << 20) + 5):
        plain = seeded.randbytes(size)
        piece = Piece(
            "rec1", "tracks/p-camera/000001.lxj", 1, 1, 0, size, size, hashlib.sha256(plain).hexdigest()
        )
        data = encrypt(piece, plain, session_key, wrapped, seeded.randbytes(16))
        header, found = stranger.decrypt(data, master)
        assert found == plain and hashlib.sha256(found).hexdigest() == header["file_sha256"]
        assert set(keys_of(header)) <= stranger.named("Archived object")
    with pytest.raises(InvalidTag):
        stranger.decrypt(data[:-1] + bytes([data[-1] ^ 1]), master)


def test_packages_and_clips_are_checked_by_what_is_described(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec", tmp_path / "keys")
    for name, span in (("whole", None), ("clip", (2.0, 4.0))):
        package = make_package(tmp_path / "rec", tmp_path / "keys", tmp_path / "room", span)
        folder = tmp_path / name
        write_folder(package, folder)
        stated = json.loads((folder / "package.json").read_bytes())
        assert canonical(stated) == (folder / "package.json").read_bytes()
        described = stranger.named("Package (刻录导出)")
        assert set(keys_of(stated)) <= described
        for entry in stated["files"]:
            data = (folder / entry["path"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])
        told = {
            line.split("  ", 1)[1]: line[:64] for line in (folder / "SHA256SUMS").read_text().splitlines()
        }
        assert {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in told} == told
        present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert present == {*told, "SHA256SUMS"}
        if span:
            assert set(keys_of(json.loads((folder / "clip.json").read_bytes()))) <= described
        assert verify_path(folder).intact
