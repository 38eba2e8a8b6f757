"""The second that an address names is read alike by the server, which prepares it, and by the page."""

from __future__ import annotations

import pytest

from web.replay.desk import asked_second


@pytest.mark.parametrize(
    ("typed", "second"),
    [("75", 75), ("75.5", 75), ("1m15s", 75), ("1h10m5s", 4205), ("5400s", 5400), ("", 0), ("-3", 0)],
)
def test_the_second_of_an_address(typed: str, second: float) -> None:
    assert asked_second(typed) == second


@pytest.mark.parametrize("typed", ["9" * 5000, "x", "٣", "1e9", "1h1h", "\x00"])
def test_what_names_no_second_begins_at_the_beginning(typed: str) -> None:
    assert asked_second(typed) == 0
