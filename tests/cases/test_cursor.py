"""A page's end as it stands in an address: read back as written, and nothing breaks it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cases.cursor import Cursor, read_cursor


@pytest.mark.parametrize(
    "at", [datetime(2026, 11, 25, 9, 30, 5, 123456, UTC), datetime(1970, 1, 1, tzinfo=UTC)]
)
def test_what_was_written_is_read_to_the_microsecond(at: datetime) -> None:
    cursor = Cursor(at, "0123456789abcdef")
    assert read_cursor(cursor.spelled()) == cursor


@pytest.mark.parametrize(
    "typed", ["", "-", "12", "12-", "x-1", "٣-a", "1" * 17 + "-a", "-5-a", "1.5-a", "a" * 1000]
)
def test_anything_else_begins_at_the_newest(typed: str) -> None:
    assert read_cursor(typed) is None


def test_the_farthest_place_is_one() -> None:
    found = read_cursor("9" * 16 + "-" + "z" * 100)
    assert found is not None and found.at.year == 2286 and len(found.row_id) < 64
