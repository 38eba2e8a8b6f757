"""A document in the film: large while it is shown, the people beside it, afterwards everybody as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.film.composition import compose
from recordings.film.layout import TITLE_HEIGHT, Box, arrange, beside
from recordings.film.plan import CompositionPlan
from recordings.film.shares import Share, shares_of, shown_at
from tests.recordings.synthetic import PARTIES, START_NS, seal, video_packets, write_session, write_track
from tests.recordings.test_composition import picture_at

PAPER = (230, 230, 90)
BEGAN, ENDED, SECONDS = 2.0, 4.0, 6.0
PLAN = replace(CompositionPlan(), width=960, height=540)
HOST = PARTIES[0]
# The same person with another picture: other stream numbers, so that the two are not mixed.
DOCUMENT = replace(HOST, colour=PAPER, tone=HOST.tone + 5)


def write_share(root: Path, began: float, seconds: float, size: tuple[int, int] = (640, 360)) -> None:
    write_track(root, DOCUMENT, "screen", video_packets(DOCUMENT, seconds, *size), began, 0.05)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shared") / "rec"
    root.mkdir()
    write_session(root, SECONDS, size=(320, 180))
    write_share(root, BEGAN, ENDED - BEGAN)
    seal(root, SECONDS)
    out = root / "composed.mp4"
    compose(root, out, PLAN, lambda _: None)
    return out


def places(presenter: str | None) -> dict[tuple[str, str], Box]:
    sources = {party.participant_id: {"camera"} for party in PARTIES}
    people = [party.entry() for party in PARTIES]
    found = arrange(people, sources, PLAN.width, PLAN.height, presenter)
    return {(tile.participant_id, tile.source): tile.picture for tile in found}


def colour(picture: np.ndarray[Any, Any], box: Box) -> np.ndarray[Any, Any]:
    return picture[box.y + box.height // 2, box.x + box.width // 2].astype(int)


@pytest.mark.parametrize("at", [BEGAN - 0.7, ENDED + 0.9])
def test_without_a_document_everybody_stands_as_always(film: Path, at: float) -> None:
    picture = picture_at(film, at)
    for party in PARTIES:
        found = colour(picture, places(None)[party.participant_id, "camera"])
        assert np.abs(found - np.array(party.colour)).max() < 25, (party.name, found)


def test_a_document_is_large_and_the_people_stand_beside_it(film: Path) -> None:
    picture, boxes = picture_at(film, (BEGAN + ENDED) / 2), places(HOST.participant_id)
    document = boxes[HOST.participant_id, "screen"]
    assert document.width * document.height > PLAN.width * PLAN.height / 2
    for across in (0.1, 0.5, 0.9):
        found = picture[document.y + document.height // 2, document.x + int(document.width * across)]
        assert np.abs(found.astype(int) - np.array(PAPER)).max() < 25, found
    for party in PARTIES:
        found = colour(picture, boxes[party.participant_id, "camera"])
        assert np.abs(found - np.array(party.colour)).max() < 25, (party.name, found)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 10, 11, 24])
@pytest.mark.parametrize("size", [(1280, 720), (640, 360)])
def test_beside_a_document_nobody_covers_anybody(count: int, size: tuple[int, int]) -> None:
    document, people = beside(count, *size)
    assert len(people) == count
    for place, box in enumerate([document, *people]):
        assert all(value % 2 == 0 and value >= 0 for value in (box.x, box.y, box.width, box.height))
        assert box.y >= TITLE_HEIGHT and box.x + box.width <= size[0] and box.y + box.height <= size[1]
        for other in people[place:]:
            apart = other.x >= box.x + box.width or other.y >= box.y + box.height
            assert apart or other.y + other.height <= box.y or other.x + other.width <= box.x


def test_a_new_connection_does_not_move_the_document(tmp_path: Path) -> None:
    """Three seconds without a packet are one share, a minute makes two."""
    for began, seconds in ((1.0, 2.0), (6.0, 2.0), (70.0, 1.0)):
        write_share(tmp_path, began, seconds, (160, 90))
    found = shares_of({"tracks": read_tracks(tmp_path, read_clock_map(tmp_path))}, START_NS)
    spans = [(round(share.start), round(share.end)) for share in found]
    assert spans == [(1, 8), (70, 71)]


def test_of_two_documents_the_later_one_is_shown() -> None:
    shares = [Share("a", 1.0, 9.0), Share("b", 5.0, 7.0)]
    found = [shown_at(shares, at) for at in (0.5, 2.0, 6.0, 8.0, 9.5)]
    assert [share and share.participant_id for share in found] == [None, "a", "b", "a", None]
