"""A clip takes the pages with it that it shows, and they prove themselves: alone, and by the original."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recordings.evidence.digests import whole_digests
from recordings.evidence.manifest import canonical, moment_text, sha256_hex
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import ExitCode
from recordings.packages.check import verify_path
from recordings.packages.clip_exhibits import exhibits_between
from recordings.packages.package import write_folder, write_zip
from tests.recordings.exports import make_package, write_recording
from tests.recordings.synthetic import START, write_exhibits

PAPER, PHOTO = "a" * 32, "b" * 32
Told = tuple[float, str, dict[str, Any]]
# Page 1 from 0.2, page 2 from 4.5 (the clip is 2 to 4), another material from 6.5 on.
TOLD: tuple[Told, ...] = (
    (0.2, "shown", {"material_id": PAPER, "name": "合同", "page": 1, "pages": 3}),
    (1.0, "turned", {"material_id": PAPER, "page": 3}),
    (1.5, "turned", {"material_id": PAPER, "page": 1}),
    (4.5, "turned", {"material_id": PAPER, "page": 2}),
    (6.0, "ended", {"material_id": PAPER, "page": 2, "cause": "replaced"}),
    (6.5, "shown", {"material_id": PHOTO, "name": "漏水", "page": 1, "pages": 1}),
)


def happened(told: tuple[Told, ...], after: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "sequence": after + number, "at": moment_text(START + timedelta(seconds=at)), "monotonic_ms": 0,
            "kind": kind if "." in kind else f"material.{kind}", "actor_name": "王芳",
            "participant_id": "p_city", "data": data,
        }
        for number, (at, kind, data) in enumerate(told, 1)
    ]  # fmt: skip


def put_pages(folder: Path, keys: Path) -> None:
    """Page 3 could not be had when it was sealed. The house's recording pauses from 2 to 3."""
    entries = write_exhibits(folder, {(PAPER, 1): b"one", (PAPER, 2): b"two", (PHOTO, 1): b"photo"})
    lost = entries[0] | {
        "page": 3, "path": f"exhibits/{PAPER}/page-3.jpg", "size": 0, "missing": "not_found",
        **whole_digests(b""),
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["session_events"] += happened(TOLD, 100)
    manifest["session_events"].sort(key=lambda event: event["at"])
    for number, event in enumerate(manifest["session_events"], 1):
        event["sequence"] = number
    manifest["exhibits"] = sorted([*entries, lost], key=lambda entry: str(entry["path"]))
    data = canonical(manifest)
    film = json.loads((folder / "composed.json").read_bytes()) | {"manifest_sha256": sha256_hex(data)}
    for name, content in (("manifest", data), ("composed", canonical(film))):
        (folder / f"{name}.json").write_bytes(content)
        (folder / f"{name}.sig").write_bytes(canonical(load_signer(keys).sign(content)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("clips")
    write_recording(home / "rec", home / "keys")
    put_pages(home / "rec", home / "keys")
    package = make_package(home / "rec", home / "keys", home / "room", (3.2, 3.5))
    write_folder(package, home / "clip")
    package = make_package(home / "rec", home / "keys", home / "room", (3.2, 5.0))
    write_folder(package, home / "long")
    write_zip(package, home / "long.zip")
    write_folder(make_package(home / "rec", home / "keys", home / "room"), home / "whole")
    return home


def stated(folder: Path) -> list[str]:
    return [entry["path"] for entry in json.loads((folder / "clip.json").read_bytes())["exhibits"]]


def page(material: str, number: int) -> str:
    return f"exhibits/{material}/page-{number}.jpg"


def test_a_clip_takes_the_pages_that_it_shows_and_no_other(home: Path) -> None:
    assert stated(home / "clip") == [page(PAPER, 1)]
    assert stated(home / "long") == [page(PAPER, 1), page(PAPER, 2)]
    for name in ("clip", "long"):
        folder = home / name
        there = sorted(path.relative_to(folder).as_posix() for path in folder.glob("exhibits/**/*.jpg"))
        assert there == stated(folder)
        listed = {
            entry["path"]: entry
            for entry in json.loads((home / "rec/manifest.json").read_bytes())["exhibits"]
        }
        assert all(
            listed[entry["path"]] == entry
            for entry in json.loads((folder / "clip.json").read_bytes())["exhibits"]
        )
    assert (home / "long" / page(PAPER, 2)).read_bytes() == b"two"


def test_clips_with_pages_are_intact_alone_and_beside_their_original(home: Path) -> None:
    for name in ("clip", "long", "long.zip"):
        for original in (None, home / "rec"):
            verdict = verify_path(home / name, original=original)
            assert verdict.intact, verdict.lines()
    assert verify_path(home / "long.zip").exhibits == 2
    assert "2 页出示的材料" in verify_path(home / "long").lines()[0]


@pytest.mark.parametrize(
    ("since", "until", "pages"),
    [
        (0.0, 0.2, []), (0.0, 0.21, [1]), (0.0, 1.2, [1, 3]), (1.0, 1.5, [3]), (1.5, 4.5, [1]),
        (2.0, 3.0, []),  # Nothing of a pause is in the film.
        (2.5, 3.1, [1]), (4.5, 6.0, [2]), (6.1, 6.4, []), (6.2, 8.0, [9]), (7.6, 8.0, []),
        (0.0, 8.0, [1, 2, 3, 9]),
    ],
)  # fmt: skip
def test_which_pages_a_part_shows(home: Path, since: float, until: float, pages: list[int]) -> None:
    manifest = json.loads((home / "rec" / "manifest.json").read_bytes())
    found = exhibits_between(manifest, since, until)
    assert [9 if entry["material_id"] == PHOTO else entry["page"] for entry in found] == pages
    assert [entry["path"] for entry in found] == sorted(entry["path"] for entry in found)
    strange = manifest | {"exhibits": [entry | {"path": "../../x"} for entry in manifest["exhibits"]]}
    assert exhibits_between(strange, since, until) == []
    early = {key: value for key, value in manifest.items() if key != "exhibits"}
    assert exhibits_between(early, since, until) == []


@pytest.mark.parametrize("by", [3600.0, -3600.0])
def test_a_clock_that_is_set_by_an_hour_takes_no_page_away(home: Path, by: float) -> None:
    manifest = json.loads((home / "rec" / "manifest.json").read_bytes())
    told = json.loads(json.dumps(manifest))
    at = START + timedelta(seconds=3.5)
    told["clock"]["jumps"] = [{"at": moment_text(at), "by_ns": round(by * 1e9)}]
    for event in told["session_events"]:
        shown = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
        event["monotonic_ms"] = None
        if shown >= at:
            event["at"] = moment_text(shown + timedelta(seconds=by))
    stopped = datetime.fromisoformat(told["recording"]["stopped_at"].replace("Z", "+00:00"))
    told["recording"]["stopped_at"] = moment_text(stopped + timedelta(seconds=by))
    for span in ((0.0, 2.0), (2.0, 3.2), (3.0, 4.0), (4.6, 5.0), (6.1, 6.4), (6.0, 8.0)):
        assert exhibits_between(told, *span) == exhibits_between(manifest, *span), span


def change(folder: Path) -> None:
    (folder / page(PAPER, 1)).write_bytes(b"0ne")


def swap(folder: Path) -> None:
    first, second = folder / page(PAPER, 1), folder / page(PAPER, 2)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


def link(folder: Path) -> None:
    (folder / page(PAPER, 1)).unlink()
    (folder / page(PAPER, 1)).symlink_to(Path(__file__))


HARMS: list[tuple[Callable[[Path], Any], str, set[str]]] = [
    (change, "exhibit_damaged", {page(PAPER, 1)}),
    (lambda folder: (folder / page(PAPER, 2)).unlink(), "exhibit_missing", {page(PAPER, 2)}),
    (swap, "exhibit_swapped", {page(PAPER, 1), page(PAPER, 2)}),
    (link, "exhibit_missing", {page(PAPER, 1)}),
]


@pytest.mark.parametrize(("harm", "code", "paths"), HARMS)
@pytest.mark.parametrize("name", ["long", "whole"])
def test_what_happened_to_a_page_is_found_and_named(
    home: Path, tmp_path: Path, name: str, harm: Callable[[Path], Any], code: str, paths: set[str]
) -> None:
    """In a clip by its own proof, in a package by the recording's; said once, by who says more."""
    copy = Path(shutil.copytree(home / name, tmp_path / "copy"))
    inside = copy if name == "long" else copy / "recording"
    harm(inside)
    verdict = verify_path(copy)
    before = "" if name == "long" else "recording/"
    assert {(finding.code, finding.path) for finding in verdict.findings} == {
        (code, before + path) for path in paths
    }
    assert verdict.exit_code is ExitCode.DAMAGED
    assert all(finding.start == 0 and finding.end for finding in verdict.findings)


@pytest.mark.parametrize("name", ["long", "whole"])
def test_a_page_that_was_put_in_is_found_and_named(home: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(home / name, tmp_path / "copy"))
    inside = copy if name == "long" else copy / "recording"
    (inside / page(PAPER, 7)).write_bytes(b"seven")
    (finding,) = verify_path(copy).findings
    wanted = page(PAPER, 7) if name == "long" else f"recording/{page(PAPER, 7)}"
    assert finding.path == wanted and finding.code in ("clip_exhibit_added", "file_added")


def sign_anew(home: Path, folder: Path, exhibits: Any) -> None:
    """The proof as the office's own key might have signed it."""
    proof = json.loads((folder / "clip.json").read_bytes()) | {"exhibits": exhibits}
    (folder / "clip.json").write_bytes(canonical(proof))
    (folder / "clip.sig").write_bytes(canonical(load_signer(home / "keys").sign(canonical(proof))))


def test_a_page_of_another_recording_is_not_what_the_original_holds(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home / "long", tmp_path / "copy"))
    (other,) = write_exhibits(copy, {(PHOTO, 1): b"another photo"})
    sign_anew(home, copy, [*json.loads((copy / "clip.json").read_bytes())["exhibits"], other])
    alone = {finding.code for finding in verify_path(copy).findings}
    beside = verify_path(copy, original=home / "rec").findings
    assert "clip_exhibit_foreign" not in alone
    assert [one.path for one in beside if one.code == "clip_exhibit_foreign"] == [page(PHOTO, 1)]
    # The folder of another recording knows none of them.
    foreign = Path(shutil.copytree(home / "rec", tmp_path / "foreign"))
    (foreign / "manifest.json").write_bytes((foreign / "manifest.json").read_bytes() + b" ")
    found = [one for one in verify_path(home / "long", original=foreign).findings]
    assert [one.code for one in found] == ["clip_exhibit_foreign"] * 2


@pytest.mark.parametrize(
    "odd",
    [{}, "x", [1], [{}], [{"path": "../../etc/passwd"}], [{"path": None, "sha256": "", "size": 0}], None],
)
def test_a_proof_that_lies_about_its_pages_is_told_in_words(home: Path, tmp_path: Path, odd: Any) -> None:
    copy = Path(shutil.copytree(home / "long", tmp_path / "copy"))
    sign_anew(home, copy, odd)
    for original in (None, home / "rec"):
        verdict = verify_path(copy, original=original)
        assert not verdict.intact and all(finding.text_zh for finding in verdict.findings)


def test_a_clip_of_an_early_version_is_as_good_as_it_was(home: Path, tmp_path: Path) -> None:
    """It has no list of pages; its film shows them all the same."""
    copy = Path(shutil.copytree(home / "clip", tmp_path / "copy"))
    shutil.rmtree(copy / "exhibits")
    proof = json.loads((copy / "clip.json").read_bytes())
    del proof["exhibits"]
    (copy / "clip.json").write_bytes(canonical(proof))
    (copy / "clip.sig").write_bytes(canonical(load_signer(home / "keys").sign(canonical(proof))))
    codes = {finding.code for finding in verify_path(copy, original=home / "rec").findings}
    assert not {code for code in codes if "exhibit" in code or "clip" in code}
