"""Whatever is changed after sealing, the verifier names it: the segment and the bytes."""

from __future__ import annotations

import json
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.evidence.digests import BLOCK
from recordings.evidence.manifest import canonical, chain_next, moment_ns, utc_text, without_floats
from recordings.evidence.signing import KEY_FILE, check_signature, load_signer
from recordings.evidence.verification import ExitCode, verify_folder
from tests.recordings.synthetic import MONOTONIC_NS, PARTIES, START_NS, identity, seal, write_session

TWO = PARTIES[:2]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sealed") / "rec"
    root.mkdir()
    write_session(root, 2.0, TWO, (160, 90), roll_seconds=1)
    seal(root, 2.0, TWO)
    return root


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "rec"
    shutil.copytree(sealed, copy)
    return copy


def segments(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.lxj"))


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], None], sign: bool = False) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_bytes(canonical(manifest))
    if sign:
        (folder / "manifest.sig").write_bytes(
            canonical(load_signer(folder / "forger").sign(path.read_bytes()))
        )


def test_as_sealed_it_is_intact(folder: Path) -> None:
    verdict = verify_folder(folder)
    assert (verdict.intact, verdict.exit_code) == (True, ExitCode.INTACT)
    assert verdict.segments == len(segments(folder)) >= 8
    assert "完整" in "\n".join(verdict.lines())


def test_one_flipped_byte_anywhere_is_named_by_segment_and_range(folder: Path) -> None:
    source = random.Random(7)
    for path in segments(folder):
        original = path.read_bytes()
        places = {0, 9, 100, len(original) - 1, *(source.randrange(len(original)) for _ in range(12))}
        for place in places:
            broken = bytearray(original)
            broken[place] ^= 1 << source.randrange(8)
            path.write_bytes(broken)
            verdict = verify_folder(folder)
            name = path.relative_to(folder).as_posix()
            assert verdict.exit_code is ExitCode.DAMAGED
            assert {finding.path for finding in verdict.findings} == {name}
            (finding,) = verdict.findings
            assert finding.start is not None and finding.end is not None
            assert finding.start <= place < finding.end
            assert finding.end - finding.start < 2_000 or place < 400
            assert f"{finding.start}" in finding.text_zh and name in finding.text_en
        path.write_bytes(original)
    assert verify_folder(folder).intact


def test_a_change_with_a_forged_crc_is_narrowed_to_its_block(tmp_path: Path) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    journal = TrackJournal(root, identity(PARTIES[0], "camera"), Disk())
    for number in range(3_000):
        journal.append(segment.RTP, MONOTONIC_NS + number, START_NS, b"\x80" + bytes(999))
    journal.finish(MONOTONIC_NS, START_NS, "bye")
    seal(root, 1.0, TWO)
    (path,) = segments(root)
    with segment.SegmentFile(path) as file:
        victim = [item for item in file.items() if isinstance(item, segment.Record)][1_500]
    data = bytearray(path.read_bytes())
    forged = segment.encode_record(victim.kind, victim.monotonic_ns, victim.wall_ns, b"\x80" + b"x" * 999)
    data[victim.offset : victim.end] = forged
    path.write_bytes(data)
    (finding,) = verify_folder(root).findings
    assert finding.start == victim.offset // BLOCK * BLOCK
    assert finding.end == finding.start + BLOCK


def test_missing_added_swapped_and_cut(folder: Path) -> None:
    first, second, third, fourth, *_ = segments(folder)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    third.unlink()
    size = fourth.stat().st_size
    fourth.write_bytes(fourth.read_bytes()[:-50])
    (folder / "tracks" / "extra.bin").write_bytes(b"x")
    found = {(finding.code, finding.path.split("/", 1)[1]) for finding in verify_folder(folder).findings}
    name = {path: path.relative_to(folder / "tracks").as_posix() for path in (first, second, third, fourth)}
    assert {("segment_swapped", name[first]), ("segment_swapped", name[second])} <= found
    assert {("segment_missing", name[third]), ("segment_damaged", name[fourth])} <= found
    assert ("file_added", "extra.bin") in found
    cut = [finding for finding in verify_folder(folder).findings if finding.path.endswith(name[fourth])]
    assert any(finding.start == size - 50 and finding.end == size for finding in cut)


def test_a_link_instead_of_a_segment_is_missing(folder: Path, tmp_path: Path) -> None:
    path = segments(folder)[0]
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "segment_missing" in {finding.code for finding in verify_folder(folder).findings}


def test_an_edited_manifest_is_not_as_sealed(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["participants"][0].update(name="别人"))
    verdict = verify_folder(folder)
    assert verdict.exit_code is ExitCode.NOT_AS_SEALED
    assert [finding.code for finding in verdict.findings] == ["signature_wrong"]


def test_a_manifest_signed_anew_by_a_stranger_is_known_by_its_key(folder: Path) -> None:
    ours = verify_folder(folder).fingerprint
    assert ours is not None
    edit_manifest(folder, lambda manifest: manifest["participants"][0].update(name="别人"), sign=True)
    assert verify_folder(folder).fingerprint != ours
    verdict = verify_folder(folder, frozenset({ours}))
    assert verdict.exit_code is ExitCode.UNKNOWN_SIGNER


def test_a_manifest_in_another_form_is_named_even_when_signed(folder: Path) -> None:
    """Two texts of one meaning: readers that take the last of two equal keys, or the first, would differ."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    data = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    (folder / "manifest.json").write_bytes(data)
    signature = canonical(load_signer(folder.parent / "another").sign(data))
    (folder / "manifest.sig").write_bytes(signature)
    assert [finding.code for finding in verify_folder(folder).findings][:1] == ["manifest_form"]


def test_a_broken_chain_is_named_even_when_signed(folder: Path) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        entries = manifest["tracks"][0]["segments"]
        entries[0], entries[1] = entries[1], entries[0]

    edit_manifest(folder, swap, sign=True)
    assert "chain_broken" in {finding.code for finding in verify_folder(folder).findings}


def test_a_manifest_cannot_point_outside_the_folder(folder: Path) -> None:
    (folder.parent / "secret").write_bytes(b"s")
    edit_manifest(
        folder, lambda manifest: manifest["tracks"][0]["segments"][0].update(path="../secret"), sign=True
    )
    assert "path_refused" in {finding.code for finding in verify_folder(folder).findings}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("manifest.json", None, ExitCode.UNREADABLE),
        ("manifest.json", b"", ExitCode.NOT_AS_SEALED),
        ("manifest.json", b"[" * 100_000, ExitCode.NOT_AS_SEALED),
        ("manifest.json", b"[]", ExitCode.NOT_AS_SEALED),
        ("manifest.sig", None, ExitCode.NOT_AS_SEALED),
        ("manifest.sig", b"{}", ExitCode.NOT_AS_SEALED),
        ("manifest.sig", b"[]", ExitCode.NOT_AS_SEALED),
        ("manifest.sig", b'{"public_key": 3}', ExitCode.NOT_AS_SEALED),
    ],
)
def test_broken_statements_are_told_and_never_raise(
    folder: Path, name: str, content: bytes | None, code: ExitCode
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert verify_folder(folder).exit_code is code


def test_hostile_manifests_never_raise(folder: Path) -> None:
    source, original = random.Random(11), (folder / "manifest.json").read_bytes()
    for _ in range(300):
        data = bytearray(original)
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        (folder / "manifest.json").write_bytes(data)
        assert bytes(data) == original or not verify_folder(folder).intact


def test_a_changed_film_is_told_apart_from_the_originals(folder: Path) -> None:
    (folder / "composed.mp4").write_bytes(b"not what was composed")
    (finding,) = verify_folder(folder).findings
    assert (finding.code, finding.path) == ("derivative_changed", "composed.mp4")


def test_the_key_is_ours_alone(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    assert load_signer(tmp_path / "keys").fingerprint == signer.fingerprint
    assert check_signature(b"a", signer.sign(b"a")) == signer.fingerprint
    assert check_signature(b"b", signer.sign(b"a")) is None


def test_canonical_form() -> None:
    assert canonical({"b": 1, "a": ["字", None]}) == '{"a":["字",null],"b":1}'.encode()
    with pytest.raises(TypeError):
        canonical({"a": [0.5]})
    assert without_floats({"a": (0.5, 1)}) == {"a": ["0.5", 1]}
    assert chain_next("0" * 64, "ab") != chain_next("0" * 64, "ba")
    assert moment_ns(utc_text(1_234_567_891_000)) == 1_234_567_891_000
    assert utc_text(10**30).startswith("1970")
