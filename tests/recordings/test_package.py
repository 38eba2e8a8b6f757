"""An exported package proves itself: whatever is changed, missing or added is found, in folder and ZIP."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import pytest

from recordings.evidence.manifest import canonical
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode
from recordings.packages import zipstream
from recordings.packages.check import verify_path
from recordings.packages.clip import ClipError, check_range
from recordings.packages.export import metadata_xml
from recordings.packages.metadata import MetadataSource
from recordings.packages.package import (
    LAST_FILES,
    Package,
    PackageError,
    PackageFile,
    checksums,
    package_name,
    write_folder,
    write_zip,
    zip_package,
)
from recordings.packages.zipstream import ZipStream, zip_length
from tests.recordings.exports import make_export, make_package, write_film, write_recording


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording, its package as folder and as ZIP, and a clip of it."""
    home = tmp_path_factory.mktemp("export")
    write_recording(home / "rec", home / "keys")
    write_folder(make_package(home / "rec", home / "keys", home / "room"), home / "package")
    write_zip(make_package(home / "rec", home / "keys", home / "room"), home / "package.zip")
    write_folder(make_package(home / "rec", home / "keys", home / "room", (2.5, 3.5)), home / "clip")
    return home


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home / "package", tmp_path / "package"))


@pytest.fixture
def clip(home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home / "clip", tmp_path / "clip"))


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def test_a_package_is_intact_as_folder_and_as_zip(home: Path) -> None:
    for name in ("package", "package.zip", "clip"):
        verdict = verify_path(home / name)
        assert verdict.intact, verdict.lines()
        assert "Intact" in "\n".join(verdict.lines())
    assert verify_path(home / "rec").intact  # A plain recording folder as before.
    inside = names(home / "package")
    for wanted in (
        "recording/manifest.json", "recording/manifest.sig", "recording/composed.mp4",
        "recording/composed.sig", "metadata.xml", "events.json", "index.html", *LAST_FILES,
    ):  # fmt: skip
        assert wanted in inside
    assert sum(name.endswith(".lxj") for name in inside) == len(list((home / "rec").rglob("*.lxj"))) > 4
    assert all(name.isascii() and len(part) <= 64 for name in inside for part in name.split("/"))


def test_other_programs_read_the_zip_and_check_the_list(home: Path, tmp_path: Path) -> None:
    package = make_package(home / "rec", home / "keys", tmp_path / "room")
    assert (home / "package.zip").stat().st_size == package.length()
    with zipfile.ZipFile(home / "package.zip") as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 22, 10, 30, 0)}
        archive.extractall(tmp_path)
    unpacked = tmp_path / package.name
    assert names(unpacked) == names(home / "package") and verify_path(unpacked).intact
    done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=unpacked, check=False)
    assert done.returncode == 0


def test_any_changed_or_missing_file_is_found_and_named(home: Path, tmp_path: Path) -> None:
    chance = random.Random(63)
    for source in (home / "package", home / "clip"):
        for name in names(source):
            copy = Path(shutil.copytree(source, tmp_path / "copy"))
            flip(copy / name, chance.randrange((copy / name).stat().st_size))
            verdict = verify_path(copy)
            assert not verdict.intact, name
            near = {name, name.replace(".json", ".sig"), name.replace(".sig", ".json")}
            told = {finding.path for finding in verdict.findings} | {"recording/composed.mp4"}
            assert near & told or name in LAST_FILES, (name, verdict.lines())
            (copy / name).unlink()
            assert not verify_path(copy).intact, name
            shutil.rmtree(copy)


def test_a_changed_segment_is_named_with_its_bytes(folder: Path) -> None:
    path = next((folder / "recording").rglob("*.lxj"))
    at = path.stat().st_size // 2
    flip(path, at)
    verdict = verify_path(folder)
    found = [finding for finding in verdict.findings if finding.path == path.relative_to(folder).as_posix()]
    assert len(verdict.findings) == len(found) == 1 and verdict.exit_code == ExitCode.DAMAGED
    assert found[0].start is not None and found[0].end is not None and found[0].start <= at < found[0].end


@pytest.mark.parametrize("name", ["more.txt", "recording/more.txt", "recording/tracks/more.lxj", "a/b/c.exe"])
def test_an_added_file_is_found(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"more")
    verdict = verify_path(folder)
    assert [finding.path for finding in verdict.findings] == [name]


def test_swapped_files_and_links_are_found(folder: Path, tmp_path: Path) -> None:
    first, second = (folder / name for name in ("index.html", "events.json"))
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert {finding.path for finding in verify_path(folder).findings} == {"index.html", "events.json"}
    second.rename(tmp_path / "elsewhere")
    second.symlink_to(tmp_path / "elsewhere")
    told = {finding.code for finding in verify_path(folder).findings if finding.path == "events.json"}
    assert told == {"package_file_missing"}


def test_any_flipped_byte_of_a_zip_is_found(home: Path, tmp_path: Path) -> None:
    data = (home / "package.zip").read_bytes()
    chance = random.Random(18894)
    path = tmp_path / "package.zip"
    places = [chance.randrange(len(data)) for _ in range(12)] + list(range(len(data) - 150, len(data), 6))
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        assert not verify_path(path).intact, at
    for changed in (data[:-1], data + b"\0", b"MZ" + data, data[: len(data) // 2], b"", b"PK\5\6"):
        path.write_bytes(changed)
        assert not verify_path(path).intact


def test_a_hostile_zip_is_refused_in_words(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    for entries in (
        ["../out"],
        ["/out"],
        ["a/../../out"],
        ["a/x", "b/x"],
        ["a\\..\\x"],
        ["a/package.json"],
        [],
    ):
        path.unlink(missing_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name in entries:
                archive.writestr(zipfile.ZipInfo(name), b"{}")
        verdict = verify_path(path)
        assert verdict.exit_code in (ExitCode.UNREADABLE, ExitCode.NOT_AS_SEALED), entries
        assert not (tmp_path / "out").exists() and not (tmp_path.parent / "out").exists()
    path.unlink()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names(home / "package"):
            archive.write(home / "package" / name, f"top/{name}")
    assert [finding.code for finding in verify_path(path).findings] == ["zip_refused"]
    for text in (b"", b"[]", b"{}", b"null", b'{"format":"lianxin-package","version":1}', b"[" * 100_000):
        other = tmp_path / "lying"
        other.mkdir(exist_ok=True)
        (other / "package.json").write_bytes(text)
        assert verify_path(other).exit_code in (ExitCode.UNREADABLE, ExitCode.NOT_AS_SEALED)


def test_a_list_signed_anew_with_another_key_does_not_pass_unseen(folder: Path, tmp_path: Path) -> None:
    (folder / "index.html").write_bytes(b"changed")
    package = json.loads((folder / "package.json").read_bytes())
    forged = PackageFile("index.html", folder / "index.html")
    files = [PackageFile(entry["path"], folder / entry["path"]) for entry in package["files"]]
    again = Package(
        "x", tuple(forged if f.path == forged.path else f for f in files), package, load_signer(tmp_path)
    )
    again.facts = {key: value for key, value in package.items() if key not in ("format", "version", "files")}
    write_folder(again, tmp_path / "forged")
    verdict = verify_path(tmp_path / "forged")
    assert verdict.exit_code == ExitCode.UNKNOWN_SIGNER
    assert [finding.code for finding in verdict.findings] == ["package_signer_differs"]
    office = verify_path(folder.parent / "forged", frozenset({str(verdict.fingerprint)}))
    assert [finding.code for finding in office.findings] == ["package_signer_unknown"]


def test_what_changes_while_it_is_exported_breaks_off_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    growing = tmp_path / "growing"
    growing.write_bytes(b"a" * 10)
    package = make_package(home / "rec", home / "keys", tmp_path / "room")
    package = replace(package, files=(*package.files, PackageFile("growing", growing)))
    pieces = zip_package(package)
    with pytest.raises(PackageError, match="被改动"):
        for piece in pieces:
            if b"growing" in piece:
                growing.write_bytes(b"a" * 11)
    growing.unlink()
    for write, target in ((write_folder, tmp_path / "out"), (write_zip, tmp_path / "out.zip")):
        with pytest.raises(PackageError, match="growing"):
            write(package, target)
        assert not target.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["room"]


def test_nothing_is_overwritten(home: Path, folder: Path, tmp_path: Path) -> None:
    package = make_package(home / "rec", home / "keys", tmp_path / "room")
    (tmp_path / "there.zip").write_bytes(b"mine")
    with pytest.raises(PackageError, match="已经存在"):
        write_zip(package, tmp_path / "there.zip")
    with pytest.raises(PackageError, match="已经存在"):
        write_folder(package, folder)


def test_large_files_stand_in_zip64_fields(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zipstream, "LIMIT", 1000)  # Really it is four gigabytes.
    files = [("a/small", b"x" * 10), ("a/large", b"y" * 3000), ("a/behind", b"z" * 20)]
    stream = ZipStream("2026-11-22T02:30:00Z")
    data = (
        b"".join(piece for name, body in files for piece in stream.add(name, len(body), [body]))
        + stream.end()
    )
    assert len(data) == zip_length([(name, len(body)) for name, body in files])
    (tmp_path / "large.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        assert archive.testzip() is None
        assert [(info.filename, archive.read(info)) for info in archive.infolist()] == files


@pytest.mark.parametrize("number", ["../../etc/passwd", '"; rm -rf /', "案 件", "", "a\r\nX: y", "x" * 300])
def test_names_are_plain_whatever_the_case_is_called(number: str) -> None:
    name = package_name(number, "20261122", "../../0123")
    assert (
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
        and len(name) <= 64
    )


def test_the_check_list_is_what_sha256sum_reads() -> None:
    text = checksums([{"path": "a b", "sha256": "0" * 64}], b"", b"").decode()
    assert text.splitlines()[0] == f"{'0' * 64}  a b"


def test_metadata_is_xml_with_the_fields_of_the_standards(home: Path) -> None:
    root = ET.parse(home / "package" / "metadata.xml").getroot()  # noqa: S314 - our own file.
    assert root.findtext("内容描述/题名") == "LZ2026-000123 城关区供暖问题联合接访"
    film = root.find("形式特征/计算机文件")
    assert film is not None
    video, audio = ("视频编码标准", "分辨率", "帧率"), ("音频编码标准", "音频采样率", "声道")
    told = [f"视频参数/{name}" for name in video] + [f"音频参数/{name}" for name in audio]
    assert [film.findtext(name) for name in told] == ["H.264/AVC", "320×180", "15", "AAC", "48000", "1"]
    assert 7.9 < float(film.findtext("时间长度") or 0) < 8.2
    segments = root.findall("形式特征/原始轨道/轨道/计算机文件")
    assert len(segments) == len(list((home / "rec").rglob("*.lxj")))
    acts = [act.findtext("管理行为") for act in root.findall("管理活动/管理活动实体")]
    assert acts == ["封存", "格式转换", "导出"]
    period = root.find("标识/保管期限")
    assert period is not None and period.get("filled") == "false" and period.text is None


def test_metadata_of_hostile_names_is_still_xml() -> None:
    manifest = {
        "recording": {"title": "<a>&\x00\x1b\ud800\ufffe]]>", "started_at": None},
        "tracks": [{"source": "\x01", "codec": '"', "segments": []}],
        "participants": [{"name": "\x0b</人物>", "role": "\x02"}],
    }
    root = ET.fromstring(metadata_xml(MetadataSource(manifest, "", {}, None, (), "2026", "")))  # noqa: S314
    assert root.findtext("内容描述/题名") == "<a>&\ufffd\ufffd\ufffd\ufffd]]>"
    assert root.findtext("内容描述/人物") == "\ufffd</人物>"


# Clips


def pictures(path: Path) -> list[int]:
    """Brightness of every picture."""
    with av.open(str(path)) as film:
        return [int(frame.to_ndarray(format="gray").mean()) for frame in film.decode(video=0)]


def test_a_clip_is_cut_at_key_frames_without_encoding(home: Path) -> None:
    whole, part = pictures(home / "rec" / "composed.mp4"), pictures(home / "clip" / "clip.mp4")
    proof = json.loads((home / "clip" / "clip.json").read_bytes())
    assert (proof["asked_from_ms"], proof["asked_to_ms"]) == (2500, 3500)
    assert (proof["from_ms"], proof["to_ms"]) == (2000, 4000)
    assert part == whole[30:60] and proof["video"]["packets"] == 30
    with av.open(str(home / "clip" / "clip.mp4")) as film:
        assert 1.9 < sum(frame.samples for frame in film.decode(audio=0)) / 48_000 < 2.1
    assert not (home / "clip" / "recording").exists()  # The manifest names everybody: least data.


def test_a_clip_is_tied_to_its_original(home: Path, clip: Path, tmp_path: Path) -> None:
    assert verify_path(clip, original=home / "rec").intact
    other = Path(shutil.copytree(home / "rec", tmp_path / "other"))
    write_film(other / "composed.mp4", shade=7)
    assert [f.code for f in verify_path(clip, original=other).findings] == ["clip_foreign"]
    assert [f.code for f in verify_path(clip, original=tmp_path).findings] == ["clip_foreign"]
    # A proof about another place, signed by the office's own key, is still not what the original holds.
    proof = json.loads((clip / "clip.json").read_bytes()) | {"from": "4", "to": "6"}
    (clip / "clip.json").write_bytes(canonical(proof))
    (clip / "clip.sig").write_bytes(canonical(load_signer(home / "keys").sign(canonical(proof))))
    assert "clip_foreign" in [f.code for f in verify_path(clip, original=home / "rec").findings]


@pytest.mark.parametrize("span", [(-1, 2), (3, 3), (4, 2), (8, 9), (float("nan"), 2), (0, float("nan"))])
def test_odd_ranges_are_refused(span: tuple[float, float]) -> None:
    with pytest.raises(ClipError):
        check_range(*span, 8.0)


@pytest.mark.parametrize(("span", "wanted"), [((0, 0.2), (0, 2000)), ((7.9, 99.0), (6000, 8000))])
def test_clips_at_both_ends_are_whole(
    home: Path, tmp_path: Path, span: tuple[float, float], wanted: tuple[int, int]
) -> None:
    write_zip(make_package(home / "rec", home / "keys", tmp_path / "room", span), tmp_path / "clip.zip")
    assert verify_path(tmp_path / "clip.zip", original=home / "rec").intact
    proof = json.loads((tmp_path / "room" / "clip.json").read_bytes())
    assert (proof["from_ms"], proof["to_ms"]) == wanted
    assert pictures(tmp_path / "room" / "clip.mp4")


def test_a_film_that_is_no_film_is_refused_in_words(home: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(home / "rec", tmp_path / "broken"))
    (broken / "composed.mp4").write_bytes(b"no film")
    with pytest.raises(ClipError, match="读不出来"):
        make_package(broken, home / "keys", tmp_path / "room", (1, 2))
    assert make_export(broken).name.startswith("lianxin-package-LZ2026-000123-20261122-")
