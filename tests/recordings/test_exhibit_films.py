"""Materials in the film: the page large with what was drawn on it then, or words; lies break nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recordings.film.composition import Composition, compose
from recordings.film.direction import GRID, SESSION, SPEAKER, SPOTLIGHT, Direction, Large
from recordings.film.exhibits import Exhibition, showings_of
from recordings.film.layout import MATERIAL, TITLE_HEIGHT, Box, arrange, cells, fit
from recordings.film.pages import GROUND
from recordings.film.plan import CompositionPlan
from recordings.film.sheet import (
    INK,
)
from scheduling.materials.exhibition import LONGEST_LINE, MOST_LINES
from tests.recordings.exhibiting import CONTRACT, LEAK, Sitting, Table, jpeg
from tests.recordings.synthetic import PARTIES, START_NS, audio_packets, seal, write_session, write_track
from tests.recordings.test_composition import picture_at

PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
BLUE, GREEN, WHITE = (40, 80, 200), (60, 170, 90), (250, 250, 250)
SECONDS = 7.0
A4, WIDE = (600, 848), (800, 300)
LINE = [1000, 5000, 9000, 5000]  # across the middle
ACROSS = [5000, 1000, 5000, 9000]
CARD = (52, 58, 66)


def large_place(parties: Any = PARTIES, who: str = "p_city") -> Box:
    sources = {party.participant_id: {"camera"} for party in parties}
    found = arrange([party.entry() for party in parties], sources, PLAN.width, PLAN.height, who, MATERIAL)
    assert found[0].source == MATERIAL
    return found[0].picture


def near(found: Any, colour: tuple[int, int, int], by: int = 25) -> bool:
    return bool(np.abs(np.asarray(found).astype(int) - np.array(colour)).max() < by)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Page one from second 1, with a line from 1.5 to 3.5; page two from 2 to 3; up to 4.

    Another material from 4.5 to 6, whose second page (from 5.5) is not there.
    """
    root = tmp_path_factory.mktemp("exhibits") / "rec"
    root.mkdir()
    write_session(root, SECONDS, size=(160, 90))
    seal(root, SECONDS)
    sitting = Sitting(root)
    sitting.add_page(CONTRACT, 1, jpeg(A4, WHITE))
    sitting.add_page(CONTRACT, 2, jpeg(A4, BLUE))
    sitting.add_page(LEAK, 1, jpeg(WIDE, GREEN))
    sitting.show(1.0, CONTRACT)
    sitting.draw(1.5, CONTRACT, 1, LINE)
    sitting.turn(2.0, CONTRACT, 2)
    sitting.turn(3.0, CONTRACT, 1)
    sitting.wipe(3.5, CONTRACT, 1, everything=False)
    sitting.end(4.0, CONTRACT)
    sitting.show(4.5, LEAK, who="p_citizen")
    sitting.turn(5.5, LEAK, 2)
    sitting.end(6.0, LEAK)
    sitting.put_into_manifest()
    out = root / "film.mp4"
    compose(root, out, PLAN, lambda _: None)
    return out


def middle_of(picture: np.ndarray[Any, Any], box: Box, across: float = 0.5, down: float = 0.5) -> Any:
    return picture[box.y + int(box.height * down), box.x + int(box.width * across)]


def test_a_page_is_large_whole_and_undistorted_on_a_calm_ground(film: Path) -> None:
    place = large_place()
    page, picture = fit(*A4, place), picture_at(film, 1.3)
    assert abs(page.width / page.height - A4[0] / A4[1]) < 0.01
    for across in (0.03, 0.5, 0.97):
        for down in (0.02, 0.5, 0.98):
            assert near(middle_of(picture, page, across, down), WHITE)
    assert near(picture[page.y + page.height // 2, page.x - 8], GROUND, 12)
    assert near(picture[page.y + page.height // 2, page.x + page.width + 8], GROUND, 12)
    # Wide ones fit as well.
    wide = fit(*WIDE, place)
    assert near(middle_of(picture_at(film, 5.0), wide, 0.03), GREEN)
    assert near(picture_at(film, 5.0)[wide.y - 8, wide.x + wide.width // 2], GROUND, 12)


@pytest.mark.parametrize("at", [1.3, 2.5, 5.8])
def test_people_stand_beside_it_and_the_foot_names_it(film: Path, at: float) -> None:
    sources = {party.participant_id: {"camera"} for party in PARTIES}
    first, *others = arrange(
        [party.entry() for party in PARTIES], sources, PLAN.width, PLAN.height, "p_city", MATERIAL
    )
    picture = picture_at(film, at)
    colours = {party.participant_id: party.colour for party in PARTIES}
    assert {tile.participant_id for tile in others} == set(colours)
    for tile in others:
        assert near(middle_of(picture, tile.picture), colours[tile.participant_id], 35), tile.label
    foot = first.caption
    words = picture[foot.y : foot.y + foot.height, foot.x : foot.x + foot.width]
    assert (words > 190).sum() > 400


def test_the_foot_changes_with_the_page(film: Path) -> None:
    place = large_place()
    feet = [
        picture_at(film, at)[
            place.y + place.height : place.y + place.height + 30, place.x : place.x + place.width
        ]
        for at in (1.3, 2.5)
    ]
    assert (np.abs(feet[0].astype(int) - feet[1].astype(int)) > 60).sum() > 20


def test_without_a_page_everybody_stands_as_always(film: Path) -> None:
    boxes = cells(4, PLAN.width, PLAN.height)
    for at in (0.7, 4.3, 6.5):
        picture = picture_at(film, at)
        colours = {tuple(np.round(middle_of(picture, box, 0.5, 0.6) / 40).astype(int)) for box in boxes}
        assert len(colours) == 4, at


def test_a_stroke_is_there_from_when_it_was_drawn_until_it_was_wiped(film: Path) -> None:
    page = fit(*A4, large_place())

    def is_red(at: float) -> bool:
        column = picture_at(film, at)[page.y : page.y + page.height, page.x + page.width // 3].astype(int)
        return bool((column[:, 0] - column[:, 1]).max() > 90)

    assert [is_red(at) for at in (1.4, 1.7, 2.5, 3.2, 3.7)] == [False, True, False, True, False]
    assert near(middle_of(picture_at(film, 2.5), page), BLUE)


def test_a_page_that_is_not_there_is_said_in_words(film: Path) -> None:
    picture, place = picture_at(film, 5.8), large_place()
    assert near(picture[place.y + 4, place.x + 4], CARD, 12)
    assert (picture[place.y : place.y + place.height, place.x : place.x + place.width] > 170).sum() > 600
    assert near(middle_of(picture_at(film, 5.0), fit(*WIDE, place)), GREEN)


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    found = Sitting(tmp_path)
    found.add_page(CONTRACT, 1, jpeg((400, 400), WHITE))
    found.show(1.0, CONTRACT)
    return found


def test_a_page_that_stands_is_drawn_once_and_a_stroke_only_where_it_is(sitting: Sitting) -> None:
    sitting.draw(2.0, CONTRACT, 1, [1000, 1000, 2000, 1000])
    sitting.draw(3.0, CONTRACT, 1, [8000, 9000, 9000, 9000])
    table = Table(sitting)
    assert table.changed(0.5) == -1
    assert table.changed(1.0) > 20_000
    assert table.changed(1.5) == -1 and table.changed(1.9) == -1
    assert 20 < table.changed(2.0) < 400 and table.changed(2.5) == -1
    assert 20 < table.changed(3.0) < 400 and table.changed(9.9) == -1


def test_the_line_has_the_colour_and_width_of_the_room(sitting: Sitting) -> None:
    sitting.draw(1.0, CONTRACT, 1, LINE)
    table = Table(sitting, 1280, 720)
    table.painter.paint(1.0)
    page = fit(400, 400, table.tile.picture)
    frame = table.canvas.frame(0)
    shown = frame.to_ndarray(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709")
    column = shown[page.y : page.y + page.height, page.x + page.width // 2].astype(int)
    red = column[:, 0] - column[:, 1] > 90
    assert 3 <= red.sum() <= 5, red.sum()
    assert near(column[column[:, 1].argmin()], INK, 40), column[column[:, 1].argmin()]


def test_nothing_is_shown_of_it_while_nothing_is_recorded(sitting: Sitting) -> None:
    table = Table(sitting)
    table.painter.paint(1.0)
    page = fit(400, 400, table.tile.picture)

    def middle() -> int:
        return int(table.canvas.planes[page.y + 20, page.x + page.width // 2])

    white = middle()
    assert table.changed(2.0, "暂停") > 20_000 and middle() < 100 < white
    assert table.changed(3.0, "暂停") == -1
    assert table.changed(4.0) > 20_000 and middle() == white


def strokes_at(sitting: Sitting, *moments: float) -> list[list[tuple[int, ...]]]:
    exhibition = Exhibition(sitting.manifest(), START_NS)
    found = []
    for at in moments:
        exhibition.advance(at)
        found.append(exhibition.strokes)
    return found


def test_strokes_stay_with_their_page_until_the_material_is_put_away() -> None:
    sitting = Sitting()
    sitting.show(1, CONTRACT)
    sitting.draw(2, CONTRACT, 1, LINE)
    sitting.draw(2.5, CONTRACT, 1, ACROSS)
    sitting.turn(3, CONTRACT, 2)
    sitting.draw(3.5, CONTRACT, 2, ACROSS)
    sitting.end(4, CONTRACT, "replaced")
    sitting.show(4.01, CONTRACT)
    sitting.wipe(6, CONTRACT, 1, everything=False)
    sitting.turn(7, CONTRACT, 2)
    sitting.wipe(8, CONTRACT, 2, everything=True)
    sitting.end(9, CONTRACT)
    sitting.show(10, CONTRACT)
    sitting.draw(11, CONTRACT, 1, ACROSS)
    sitting.end(12, CONTRACT, "replaced")
    sitting.show(12.01, LEAK)
    sitting.show(13, CONTRACT)
    line, across = tuple(LINE), tuple(ACROSS)
    assert strokes_at(sitting, 1, 2, 3, 3.5, 5, 6, 7, 8, 9, 10, 11, 12.5, 13) == [
        [], [line], [], [across], [line, across], [line], [across], [], [], [], [across], [], [],
    ]  # fmt: skip


def test_where_one_material_takes_the_place_of_another_nobody_moves() -> None:
    sitting = Sitting()
    sitting.show(1, CONTRACT)
    sitting.end(3, CONTRACT, "replaced")
    sitting.show(3.05, LEAK)
    sitting.end(5, LEAK, "replaced")  # and the next one never came
    sitting.show(9, LEAK)
    spans = [(share.start, share.end) for share in showings_of(sitting.manifest(), START_NS)]
    assert spans == [(1.0, 5.0), (9.0, float("inf"))]


def test_a_material_is_large_as_the_session_saw_it_and_in_no_other_layout() -> None:
    sitting = Sitting()
    sitting.show(2, CONTRACT)
    sitting.end(4, CONTRACT)
    sitting.show(4, LEAK, who="p_citizen")
    sitting.add(6, "session.closed", None)
    manifest = {**sitting.manifest(), "participants": [party.entry() for party in PARTIES]}
    spans = [(share.participant_id, share.start, share.end) for share in showings_of(manifest, START_NS)]
    assert spans == [("p_city", 2.0, 4.0), ("p_citizen", 4.0, 6.0)]
    city, citizen = Large("p_city", MATERIAL), Large("p_citizen", MATERIAL)
    for layout in (SESSION, SPEAKER):
        found = Direction(manifest, START_NS, layout)
        assert [found.large_at(at) for at in (1.9, 2.0, 3.9, 4.0, 6.0)] == [None, city, city, citizen, None]
    assert Direction(manifest, START_NS, GRID).large_at(3) is None
    assert Direction(manifest, START_NS, SPOTLIGHT, "p_city").large_at(3) == Large("p_city", "camera")


def test_of_a_screen_and_a_material_at_once_the_later_one_is_shown() -> None:
    entry = {"packets": 9, "first_at": "2026-11-20T01:30:02Z", "last_at": "2026-11-20T01:30:08Z"}
    sitting = Sitting()
    sitting.show(1, CONTRACT)
    sitting.show(4, LEAK, who="p_citizen")
    sitting.end(6, LEAK)
    track = {"source": "screen", "participant_id": "p_district", "segments": [entry]}
    found = Direction({**sitting.manifest(), "tracks": [track]}, START_NS, SESSION)
    large = [found.large_at(at) for at in (1.5, 2.5, 4.5, 6.5)]
    screen = Large("p_district", "screen")
    assert large == [Large("p_city", MATERIAL), screen, Large("p_citizen", MATERIAL), screen]


def test_odd_events_are_left_out() -> None:
    sitting = Sitting()
    for data in (
        {},
        {"material_id": 7, "page": 1},
        {"material_id": CONTRACT, "page": "1"},
        {"material_id": CONTRACT, "page": 0},
    ):
        sitting.add(0, "material.shown", **data)
    sitting.draw(0.1, CONTRACT, 1, LINE)
    assert Exhibition(sitting.manifest(), START_NS).page is None
    sitting.show(1, CONTRACT)
    odd = [
        None,
        "x",
        [],
        [1],
        [1, 2, 3],
        [0, 10_001],
        [-1, 0],
        [1.5, 2],
        [True, False],
        [[1, 2]],
        [0, 0] * LONGEST_LINE,
    ]
    for points in odd:
        sitting.draw(1.1, CONTRACT, 1, points)
    sitting.draw(1.2, LEAK, 1, LINE)
    sitting.draw(1.3, CONTRACT, -1, LINE)
    sitting.turn(1.4, CONTRACT, 10**30)
    sitting.turn(1.5, LEAK, 2)
    sitting.wipe(1.6, CONTRACT, 1, everything=True)
    sitting.turn(1.7, CONTRACT, 1)
    for _ in range(2 * MOST_LINES):
        sitting.draw(2, CONTRACT, 1, LINE)
    sitting.events += [{"kind": "material.shown"}, {"kind": "material.drawn", "at": 7, "data": []}]
    nothing, many = strokes_at(sitting, 1.9, 3)
    assert nothing == [] and len(many) == MOST_LINES


@pytest.mark.parametrize("who", ["p_citizen", "somebody else", ""])
def test_a_page_is_large_even_when_nothing_is_recorded_of_who_shows_it(tmp_path: Path, who: str) -> None:
    root = tmp_path / "rec"
    root.mkdir()
    party = PARTIES[0]
    write_track(root, party, "microphone", audio_packets(party, 1.0), 0.0, 0.02)
    seal(root, 1.0)
    sitting = Sitting(root)
    sitting.add_page(CONTRACT, 1, jpeg(A4, BLUE))
    sitting.show(-5.0, CONTRACT, who=who)
    sitting.put_into_manifest()
    composition = Composition(root, PLAN)
    try:
        shown = composition.still().to_ndarray(format="rgb24")
    finally:
        composition.close()
    assert near(middle_of(shown, fit(*A4, large_place(PARTIES[:1]))), BLUE, 45)


def test_with_nobody_else_a_page_has_the_whole_picture() -> None:
    (tile,) = arrange([], {}, PLAN.width, PLAN.height, "p_city", MATERIAL)
    assert tile.picture.width > PLAN.width * 0.97 and tile.picture.y >= TITLE_HEIGHT
    assert tile.label == "未署名出示"


def test_who_is_screened_is_not_named_by_a_file_either() -> None:
    sitting = Sitting()
    sitting.show(1, CONTRACT, who="p_citizen")
    sitting.show(2, CONTRACT, who="p_city")
    exhibition = Exhibition(sitting.manifest(), START_NS, unnamed=frozenset({"p_citizen"}))
    names = []
    for at in (1, 2):
        exhibition.advance(at)
        names.append(exhibition.page and exhibition.page.name)
    assert names == ["", "供热合同.pdf"]
