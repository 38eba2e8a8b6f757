"""Which page was up when, with which lines: turned away and back, wiped, shown anew, and odd events."""

from __future__ import annotations

from typing import Any

import pytest

from recordings.playback import exhibits
from recordings.playback.exhibits import Exhibits, Step, read_exhibits

LENGTH = 100.0
A, B = "a" * 32, "b" * 32
LINE = [0, 0, 5000, 5000, 10_000, 10_000]


def up(at: float, page: int = 1, material: str = A, kind: str = "shown", **more: Any) -> Step:
    data = {"material_id": material, "name": f"{material[0]}.pdf", "page": page, "pages": 3} | more
    return Step(f"material.{kind}", at, data, "p_host")


def drawn(at: float, page: int = 1, points: Any = LINE, material: str = A) -> Step:
    return Step("material.drawn", at, {"material_id": material, "page": page, "points": points})


def wiped(at: float, page: int = 1, everything: bool = False) -> Step:
    return Step("material.wiped", at, {"material_id": A, "page": page, "everything": everything})


def pages(found: Exhibits) -> list[tuple[float, float, str, int]]:
    return [
        (one.start, one.end, found.sheets[one.sheet].material_id[0], found.sheets[one.sheet].page)
        for one in found.showings
    ]


def lines(found: Exhibits) -> list[tuple[int, float, float]]:
    return [(found.sheets[one.sheet].page, one.start, one.end) for one in found.strokes]


def test_pages_that_are_turned_and_what_never_ended() -> None:
    steps = [
        up(10), up(20, 2, kind="turned"), up(30, 1, kind="turned"), up(40, kind="ended", cause="stopped"),
        up(60, 3, B), up(70, 2, A, "turned"),
    ]  # fmt: skip
    found = read_exhibits(steps, LENGTH)
    assert pages(found) == [(10, 20, "a", 1), (20, 30, "a", 2), (30, 40, "a", 1), (60, 100, "b", 3)]
    assert [(one.name, one.pages) for one in found.sheets] == [("a.pdf", 3), ("a.pdf", 3), ("b.pdf", 3)]
    assert {one.who for one in found.showings} == {"p_host"}


def test_lines_stay_while_the_page_is_turned_away_and_go_when_they_are_wiped() -> None:
    steps = [
        up(10), drawn(11), drawn(12), drawn(13), up(20, 2, kind="turned"), drawn(21, 2),
        up(30, kind="turned"), wiped(31), wiped(35, everything=True), wiped(36), drawn(37),
    ]  # fmt: skip
    found = read_exhibits(steps, LENGTH)
    assert lines(found) == [(1, 11, 35), (1, 12, 35), (1, 13, 31), (2, 21, 100), (1, 37, 100)]


def test_lines_go_with_the_document_unless_it_only_was_replaced_by_itself() -> None:
    ended = up(20, kind="ended", cause="stopped")
    assert lines(read_exhibits([up(10), drawn(11), ended, up(30)], LENGTH)) == [(1, 11, 20)]
    replaced = up(20, kind="ended", cause="replaced")
    assert lines(read_exhibits([up(10), drawn(11), replaced, up(20)], LENGTH)) == [(1, 11, 100)]
    assert lines(read_exhibits([up(10), drawn(11), replaced, up(20, material=B)], LENGTH)) == [(1, 11, 20)]


def test_before_the_recording_and_after_it() -> None:
    found = read_exhibits([up(-5), up(0, 2, kind="turned"), up(99, 3, kind="turned"), up(140)], LENGTH)
    assert pages(found) == [(0, 99, "a", 2), (99, 100, "a", 3)]


@pytest.mark.parametrize(
    "odd",
    [
        {"material_id": "../x", "page": 1, "pages": 1}, {"material_id": 7, "page": 1, "pages": 1},
        {"material_id": A, "page": 0, "pages": 1}, {"material_id": A, "page": True, "pages": 1}, {},
        {"material_id": A, "page": "1", "pages": 1}, {"material_id": A, "page": 10**9, "pages": 10**9},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out(odd: dict[str, Any]) -> None:
    found = read_exhibits([up(10), Step("material.shown", 20, odd)], LENGTH)
    assert pages(found) == [(10, 20, "a", 1)]


@pytest.mark.parametrize(
    "points", [None, "x", [1, 2], [1, 2, 3], [0, 0, -1, 5], [0, 0, 10_001, 5], [0, 0, 1.5, 5]]
)
def test_lines_that_are_none(points: Any) -> None:
    assert lines(read_exhibits([up(10), drawn(11, points=points), drawn(12)], LENGTH)) == [(1, 12, 100)]


def test_very_much_is_thinned_but_no_line_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhibits, "MOST_NUMBERS", 400)
    points = [place % 10_000 for place in range(200)]
    found = read_exhibits([up(0), *(drawn(at, points=points) for at in range(1, 11))], LENGTH)
    assert len(found.strokes) == 10 and sum(len(one.points) for one in found.strokes) < 500
    assert all(one.points[:2] == (0, 1) and one.points[-2:] == (198, 199) for one in found.strokes)
    monkeypatch.setattr(exhibits, "MOST_SHOWINGS", 3)
    turned = read_exhibits([up(0), *(up(at, 1 + at % 3, kind="turned") for at in range(1, 10))], LENGTH)
    assert len(turned.showings) == 3 and turned.left_out == 7
