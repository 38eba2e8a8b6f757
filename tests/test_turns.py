"""What goes on in real time begins first, in lanes; pages in browsers are given out like other files."""

from __future__ import annotations

import subprocess
import sys

from tests.turns import LANES, NETWORKS, NICENESS, RECEPTIONS, SECONDS, order_of, scope_of, turn_of

NETWORK, RECEPTION, MEASURE = (
    "tests/media/test_h264.py",
    "tests/scenarios/test_reception.py",
    "tests/soak/test_soak.py",
)
PAGE, WALK, PLAIN = "tests/web/test_axe.py", "tests/journey/test_pages.py", "tests/web/test_links.py"
STAND_BACK = """
import os
from tests.turns import give_way
for path in %r:
    give_way(path)
    print(os.nice(0))
"""


def test_what_would_disturb_each_other_is_one_piece_and_pages_are_not() -> None:
    assert [scope_of(path) for path in (NETWORK, RECEPTION, MEASURE)] == [NETWORKS, RECEPTIONS, SECONDS]
    assert [scope_of(path) for path in (PAGE, WALK, PLAIN)] == [PAGE, WALK, PLAIN]


def test_real_time_begins_then_pages_then_the_others() -> None:
    assert sorted([PLAIN, PAGE, *LANES], key=turn_of) == [*LANES, PAGE, PLAIN]


def test_of_one_turn_what_has_most_tests_comes_first() -> None:
    other, lane = "tests/web/test_api.py", LANES[0]
    units = [(PLAIN, "ab"), (PAGE, "a"), (other, "abc"), (lane, "")]
    assert [scope for scope, _ in sorted(units, key=order_of)] == [lane, PAGE, other, PLAIN]


def test_whatever_has_time_stands_back_behind_it() -> None:
    files = (NETWORK, MEASURE, PAGE, PLAIN, RECEPTION)
    said = subprocess.run(
        [sys.executable, "-c", STAND_BACK % (files,)], capture_output=True, text=True, check=True
    )
    before, *after = map(int, said.stdout.split())
    assert after == [before, *[max(before, NICENESS)] * 3]
