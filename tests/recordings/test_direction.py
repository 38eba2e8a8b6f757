"""Who is large: nobody, the document, the speaker or one person, and films made so after the fact."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recordings.evidence.manifest import MANIFEST_FILE
from recordings.film.direction import GRID, SESSION, SPEAKER, SPOTLIGHT, Direction, Large
from recordings.film.encoder import CompositionError, make_film, progress_text
from recordings.film.layout import Box, arrange
from recordings.film.plan import CompositionPlan
from tests.recordings.synthetic import PARTIES, START_NS, seal, write_session
from tests.recordings.test_composition import picture_at

CITY, DISTRICT, PROVINCE, CITIZEN = PARTIES
PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
SECONDS = 6.0


def speech(who: str, since: float, length: float) -> list[Any]:
    return [who, START_NS // 1_000_000 + round(since * 1000), round(length * 1000)]


def noted(*spans: Any) -> dict[str, Any]:
    return {
        "sequence": 1,
        "kind": "speech.noted",
        "at": "2026-11-20T01:31:00Z",
        "data": {"spans": list(spans)},
    }


MANIFEST = {
    "participants": [party.entry() for party in PARTIES],
    "tracks": [],
    "session_events": [
        noted(speech("p_city", 1, 3), speech("p_citizen", 4, 1), speech("p_city", 5, 2)),
        noted(speech("p_citizen", 8, 4)),
        noted("rubbish", [1, 2]),
        {"kind": "speech.noted", "data": None},
    ],
}


def test_the_speaker_is_large_and_stays_so_through_silence_and_short_words() -> None:
    found = Direction(MANIFEST, START_NS, SPEAKER)
    large = [found.large_at(at) for at in (0.5, 1.5, 4.5, 7.5, 9.0, 99.0)]
    city, citizen = Large("p_city", "camera"), Large("p_citizen", "camera")
    assert large == [None, city, city, city, citizen, citizen]


def test_a_document_comes_before_the_speaker_but_not_into_the_grid() -> None:
    entry = {"packets": 9, "first_at": "2026-11-20T01:30:02Z", "last_at": "2026-11-20T01:30:04Z"}
    track = {"source": "screen", "participant_id": "p_district", "segments": [entry]}
    manifest = {**MANIFEST, "tracks": [track]}
    document = Large("p_district", "screen")
    assert Direction(manifest, START_NS, SPEAKER).large_at(3.0) == document
    assert Direction(manifest, START_NS, SESSION).large_at(3.0) == document
    assert Direction(manifest, START_NS, SESSION).large_at(5.0) is None
    assert Direction(manifest, START_NS, GRID).large_at(3.0) is None


def chosen(second: int, layout: str, spotlight: str | None = None) -> dict[str, Any]:
    at = f"2026-11-20T01:30:{second:02}Z"
    return {"kind": "layout.chosen", "at": at, "data": {"layout": layout, "spotlight": spotlight}}


def test_the_film_follows_the_layouts_as_the_session_had_them() -> None:
    changes = [
        chosen(3, "speaker"), chosen(6, "grid", "p_province"), chosen(7, "tiers"), chosen(10, "evidence"),
        chosen(12, "grid", "somebody else"), {"kind": "layout.chosen", "at": 7}, {"kind": "layout.chosen"},
    ]  # fmt: skip
    manifest = {**MANIFEST, "session_events": [*MANIFEST["session_events"], *changes]}
    found = Direction(manifest, START_NS, SESSION)
    large = [found.large_at(at) for at in (2.0, 3.5, 5.5, 6.5, 7.5, 9.0, 10.5, 12.5)]
    city, province = Large("p_city", "camera"), Large("p_province", "camera")
    citizen = Large("p_citizen", "camera")
    assert large == [None, city, city, province, None, None, citizen, None]
    assert Direction(manifest, START_NS, GRID).large_at(6.5) is None


def test_one_person_large_by_name_and_a_clear_word_about_strangers() -> None:
    assert Direction(MANIFEST, START_NS, SPOTLIGHT, "马秀英").large_at(0.0) == Large("p_citizen", "camera")
    with pytest.raises(ValueError, match="录像里没有这个人"):
        Direction(MANIFEST, START_NS, SPOTLIGHT, "张三")
    with pytest.raises(ValueError, match="没有这种版式"):
        Direction(MANIFEST, START_NS, "mosaic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("direction") / "rec"
    root.mkdir()
    write_session(root, SECONDS, PARTIES, (160, 90))
    seal(root, SECONDS)
    content = json.loads((root / MANIFEST_FILE).read_bytes())
    content["session_events"] = [noted(speech("p_citizen", 3, 3))]
    (root / MANIFEST_FILE).write_text(json.dumps(content))
    return root


def places(*large: str) -> dict[str, Box]:
    sources = {party.participant_id: {"camera"} for party in PARTIES}
    found = arrange([party.entry() for party in PARTIES], sources, PLAN.width, PLAN.height, *large)
    return {tile.participant_id: tile.picture for tile in found}


def everybody_stands(path: Path, at: float, boxes: dict[str, Box]) -> None:
    picture = picture_at(path, at)
    assert set(boxes) == {party.participant_id for party in PARTIES}
    for party in PARTIES:
        box = boxes[party.participant_id]
        middle = picture[box.y + box.height // 2, box.x + box.width // 2].astype(int)
        assert np.abs(middle - np.array(party.colour)).max() < 30, (party.name, middle)


async def test_a_film_is_composed_again_with_the_speaker_large(folder: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "again.mp4", list[str]()
    await make_film(folder, out, replace(PLAN, layout=SPEAKER), said.append)
    everybody_stands(out, 2.0, places())
    everybody_stands(out, 4.5, places("p_citizen", "camera"))
    assert not [path for path in tmp_path.iterdir() if path != out]


async def test_a_film_is_replaced_only_by_a_whole_one(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    out.write_bytes(b"the film before")
    keep: Callable[[str], None] = lambda text: None  # noqa: E731
    with pytest.raises(CompositionError, match="录像里没有这个人"):
        await make_film(folder, out, replace(PLAN, layout=SPOTLIGHT, spotlight="张三"), keep)
    with pytest.raises(CompositionError, match="不是已封存的录像"):
        await make_film(tmp_path, out, PLAN, keep)
    assert out.read_bytes() == b"the film before"
    assert list(tmp_path.iterdir()) == [out]


def test_progress_is_told_with_the_time_left() -> None:
    assert progress_text(0.0, 1.0) == "已合成 0%"
    assert progress_text(0.25, 10.0) == "已合成 25%，约剩 30 秒"
    assert progress_text(0.5, 125.0) == "已合成 50%，约剩 2 分 05 秒"


@pytest.mark.parametrize("large", [(), ("p_citizen", "camera"), ("p_citizen", "screen")])
def test_who_interprets_with_a_picture_has_a_place_beside_every_layout(large: tuple[str, ...]) -> None:
    people = [party.entry() for party in PARTIES]
    hands = {"participant_id": "p_hands", "name": "手语翻译", "role": "interpreter"}
    sources = {person["participant_id"]: {"camera", "screen"} for person in [*people, hands]}
    found = {
        (tile.participant_id, tile.source): tile.picture
        for tile in arrange([*people, hands], sources, PLAN.width, PLAN.height, *large)
    }
    pinned = found.pop(("p_hands", "camera"))
    assert pinned.width >= PLAN.width // 4
    assert all(box.x + box.width <= pinned.x for box in found.values()), "nobody is covered"
    assert pinned.x + pinned.width <= PLAN.width and pinned.y + pinned.height < PLAN.height
    # Heard only, or alone, an interpreter stands where everybody would.
    sources["p_hands"] = {"microphone"}
    assert len(arrange([*people, hands], sources, PLAN.width, PLAN.height, *large)) >= len(people) + 1
    (alone,) = arrange([hands], {"p_hands": {"camera"}}, PLAN.width, PLAN.height)
    assert alone.picture.width > PLAN.width // 2
