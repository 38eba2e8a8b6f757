"""The stranger reads what was shown by the tables alone: pages, lines and files, as we do."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from recordings.evidence.exhibit_keeping import CAUSE_WORDS
from recordings.evidence.manifest import canonical
from recordings.evidence.signing import load_signer
from recordings.packages.check import verify_path
from recordings.packages.package import write_folder
from scheduling.materials import exhibition, showing
from tests.recordings import stranger
from tests.recordings.exports import make_package, write_recording
from tests.recordings.test_clip_exhibits import PAPER, page, put_pages
from tests.recordings.test_exhibit_readers import LENGTH, SEQUENCES, Room, Told, strange
from tests.recordings.test_sealed_exhibits import Desk, desk  # noqa: F401


def compare(told: list[Told]) -> int:
    """After each event the stranger sees what we see; returns how many lines both saw."""
    events = [{"kind": kind, "data": data} for _, kind, data in told]
    ours, lines = exhibition.Exhibition(), 0
    for number, (_, kind, data) in enumerate(told, 1):
        ours.take(kind, data)
        found, up = stranger.what_is_up(events[:number]), ours.page
        wanted = (up.material_id, up.number, [list(line.points) for line in ours.lines]) if up else None
        assert found == wanted, (number, kind, data)
        lines += len(found.lines) if found else 0
    return lines


def test_which_page_was_up_with_which_lines_is_read_by_the_table() -> None:
    dice, lines = random.Random(20261124), 0
    for _ in range(SEQUENCES // 4):
        room = Room(dice)
        for second in range(1, LENGTH):
            room.act(second + 0.5)
        lines += compare(room.told)
        compare(strange(dice))
    assert lines > 1_000
    full = [(0.0, showing.SHOWN, {"material_id": "a", "name": "", "page": 1, "pages": 1})]
    full += [(1.0, showing.DRAWN, {"material_id": "a", "page": 1, "points": [0, 0, 1, 1]})] * 250
    assert compare(full) > 200 * 50


def test_kinds_and_limits_are_those_of_the_document() -> None:
    table = {stranger.SHOWN, stranger.TURNED, stranger.ENDED, stranger.DRAWN, stranger.WIPED}
    assert table == set(showing.KINDS) and stranger.REPLACED == showing.REPLACED
    assert table | set(stranger.OVER) == exhibition.READ
    assert set(CAUSE_WORDS) == stranger.MISSING_CAUSES
    limits = (stranger.MOST_PAGES, stranger.MOST_NUMBERS, stranger.MOST_LINES, stranger.EXTENT)
    assert limits == (
        exhibition.LARGEST_PAGE, exhibition.LONGEST_LINE, exhibition.MOST_LINES, exhibition.UNITS,
    )  # fmt: skip


async def test_every_key_of_a_sealed_page_and_of_its_events_is_in_the_table(desk: Desk) -> None:  # noqa: F811
    recording = await desk.start()
    await desk.show(PAPER, 1)
    await desk.show(PAPER, 2, showing.TURNED)
    place = {"material_id": PAPER, "page": 2}
    await desk.happen(showing.DRAWN, **place, points=[0, 0, 5, 5])
    await desk.happen(showing.WIPED, **place, everything=False)
    await desk.happen(showing.ENDED, **place, name="答复.pdf", pages=12, cause="stopped")
    await desk.stop(recording)
    shutil.rmtree(desk.folder / PAPER)
    desk.store.write(desk.sitting.session.id, PAPER, {"page-1.jpg": b"another"})
    folder, manifest = await desk.seal(recording)
    assert {entry["missing"] for entry in manifest["exhibits"]} <= stranger.MISSING_CAUSES
    assert all(set(entry) == stranger.EXHIBIT_KEYS for entry in manifest["exhibits"])
    assert stranger.wrong_exhibits(folder, manifest["exhibits"]) == []
    told = [event for event in manifest["session_events"] if event["kind"] in showing.KINDS]
    assert [event["kind"] for event in told] == [
        showing.SHOWN, showing.TURNED, showing.DRAWN, showing.WIPED, showing.ENDED,
    ]  # fmt: skip
    for event in told:
        assert set(event["data"]) == stranger.keys_of_event(event["kind"]), event["kind"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("stranger")
    write_recording(home / "rec", home / "keys")
    put_pages(home / "rec", home / "keys")
    write_folder(make_package(home / "rec", home / "keys", home / "room", (3.2, 5.0)), home / "clip")
    return home


def listed(folder: Path) -> list[dict[str, Any]]:
    path = folder / "clip.json"
    proof = json.loads((path if path.exists() else folder / "manifest.json").read_bytes())
    assert isinstance(proof["exhibits"], list)
    return proof["exhibits"]


@pytest.mark.parametrize("name", ["rec", "clip"])
def test_the_stranger_finds_what_we_find_in_recordings_and_clips(
    home: Path, tmp_path: Path, name: str
) -> None:
    assert stranger.wrong_exhibits(home / name, listed(home / name)) == []
    first, second = page(PAPER, 1), page(PAPER, 2)
    sealed = (home / name / second).read_bytes()
    harms: dict[str, bytes | None] = {first: b"0ne", second: None, page(PAPER, 8): b"eight"}
    for path, content in [*harms.items(), (first, sealed)]:
        copy = Path(shutil.copytree(home / name, tmp_path / "copy"))
        (copy / path).unlink(missing_ok=True)
        if content is not None:
            (copy / path).write_bytes(content)
        assert stranger.wrong_exhibits(copy, listed(copy)) == [path]
        assert {finding.path for finding in verify_path(copy).findings} == {path}
        shutil.rmtree(copy)


def test_a_list_of_pages_that_was_signed_anew_is_read_alike(home: Path, tmp_path: Path) -> None:
    """Entry by entry: another path, page, media type, size or digest is not what lies there."""
    lies: tuple[dict[str, Any], ...] = (
        {"path": page(PAPER, 2)}, {"page": 2}, {"media_type": "image/png"}, {"size": 4},
        {"sha256": "0" * 64}, {"sm3": "0" * 64}, {"material_id": "c"},
    )  # fmt: skip
    for lie in lies:
        copy = Path(shutil.copytree(home / "clip", tmp_path / "copy"))
        proof = json.loads((copy / "clip.json").read_bytes())
        proof["exhibits"][0] |= lie
        (copy / "clip.json").write_bytes(canonical(proof))
        (copy / "clip.sig").write_bytes(canonical(load_signer(home / "keys").sign(canonical(proof))))
        assert stranger.wrong_exhibits(copy, proof["exhibits"]), lie
        assert {finding.code for finding in verify_path(copy).findings} & {
            "exhibit_refused", "exhibit_damaged", "sm3_wrong", "exhibits_disordered",
        }, lie  # fmt: skip
        shutil.rmtree(copy)
