"""Who is called next: booked at the booked time, then who walked in, and who is late among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scheduling.arrival.calling_order import AHEAD, TOLERANCE, InLine, Turn, in_calling_order

NINE = datetime(2026, 11, 25, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def one(name: str, came: float, booked: float | None = None) -> InLine:
    return InLine(name, name, at(came), None if booked is None else at(booked))


def called(now: float, *people: InLine) -> list[tuple[str, Turn]]:
    return [(each.id, turn) for each, turn in in_calling_order(people, at(now))]


def test_booked_at_their_time_then_by_arrival_then_who_is_early() -> None:
    early, due = one("early", -30, 60), one("due", 5, 0)
    first, second = one("first", -20), one("second", -10)
    assert called(10, second, early, first, due) == [
        ("due", Turn.DUE), ("first", Turn.WALK_IN), ("second", Turn.WALK_IN), ("early", Turn.EARLY),
    ]  # fmt: skip
    # The same people an hour later: whose time has come goes before those who walked in.
    assert [name for name, _ in called(60, second, early, first, due)] == ["due", "early", "first", "second"]


@pytest.mark.parametrize(("late", "place"), [(TOLERANCE, 0), (TOLERANCE + timedelta(seconds=1), 1)])
def test_a_quarter_of_an_hour_late_is_in_time_and_more_is_not(late: timedelta, place: int) -> None:
    booked = one("booked", late.total_seconds() / 60, 0)
    order = [name for name, _ in called(30, one("walked in", 10), booked)]
    assert order.index("booked") == place


@pytest.mark.parametrize(("before", "turn"), [(AHEAD, Turn.DUE), (AHEAD * 2, Turn.EARLY)])
def test_shortly_before_a_booked_time_nobody_else_is_begun_with(before: timedelta, turn: Turn) -> None:
    booked = one("booked", -30, 0)
    assert dict(called(-before.total_seconds() / 60, one("walked in", -20), booked))["booked"] is turn


def test_who_is_early_is_called_when_nobody_else_is_there() -> None:
    assert called(0, one("early", -5, 45)) == [("early", Turn.EARLY)]
