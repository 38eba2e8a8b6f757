"""Rooms full of browsers come first, one after another; pages in browsers are given out like other files."""

from tests.turns import ROOMS, scope_of, turn_of

ROOM, PAGE, PLAIN = "tests/scenarios/test_reception.py", "tests/web/test_axe.py", "tests/web/test_links.py"
WALK = "tests/journey/test_pages.py"


def test_rooms_are_one_piece_and_pages_are_not() -> None:
    assert [scope_of(path) for path in (ROOM, "tests/media/test_h264.py")] == [ROOMS, ROOMS]
    assert [scope_of(path) for path in (PAGE, WALK, PLAIN)] == [PAGE, WALK, PLAIN]


def test_rooms_begin_then_pages_then_the_others() -> None:
    assert sorted([PLAIN, PAGE, ROOMS], key=turn_of) == [ROOMS, PAGE, PLAIN]
