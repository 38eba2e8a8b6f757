"""Cursor: where a page ended of a list that is read newest first, and how an address names that place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_

from cases.fields import clean

EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_DIGITS = 16  # of microseconds since 1970; the year 2286


@dataclass(frozen=True, slots=True)
class Cursor:
    """Time and id of the last row of a page."""

    at: datetime
    row_id: str

    def beyond(self, at: Any, row_id: Any) -> ColumnElement[bool]:
        """That rows come after this one, newest first: a condition on two columns with one index."""
        return and_(at <= self.at, or_(at < self.at, row_id < self.row_id))

    @staticmethod
    def beyond_named(name: str, at: Any, row_id: Any) -> ColumnElement[bool]:
        """The same with values that are given later as `<name>_at` and `<name>_id`."""
        since, last = bindparam(f"{name}_at", type_=at.type), bindparam(f"{name}_id", type_=row_id.type)
        return and_(at <= since, or_(at < since, row_id < last))

    def spelled(self) -> str:
        """`microseconds-id`, which `read_cursor` reads."""
        return f"{(self.at - EPOCH) // MICROSECOND}-{self.row_id}"


def spelled(place: Cursor | None) -> str | None:
    """`Cursor.spelled`, None for no place."""
    return None if place is None else place.spelled()


def read_cursor(typed: str) -> Cursor | None:
    """The place that an address names; anything else begins at the newest."""
    micros, _, row_id = typed[:80].partition("-")
    if not (micros.isascii() and micros.isdigit() and len(micros) <= MOST_DIGITS and row_id):
        return None
    return Cursor(EPOCH + int(micros) * MICROSECOND, clean(row_id)[:64])
