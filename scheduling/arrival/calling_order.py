"""In which order an office calls those who wait: who booked beside who walked in. Pure functions.

The rule, as everybody reads it on the board and in the waiting room: who booked comes first at the booked
time, also when up to a quarter of an hour late; then who walked in, and who came later than that, in the
order of arrival; who is early waits for the booked time, unless nobody else is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from scheduling.session import Session

# So much later than booked somebody may come and keeps the place of the booked time.
TOLERANCE = timedelta(minutes=15)
# So shortly before the booked time nobody else is begun with.
AHEAD = timedelta(minutes=5)
WALKED_IN = timedelta(hours=1)  # So shortly before it began nobody books.


class Turn(StrEnum):
    """Why somebody stands where he stands."""

    DUE = "due"
    WALK_IN = "walk_in"
    LATE = "late"
    EARLY = "early"


RANKS = {Turn.DUE: 0, Turn.WALK_IN: 1, Turn.LATE: 1, Turn.EARLY: 2}


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody who waits: the day's number, since when, and the time that was booked (None: walked in)."""

    id: str
    number: str
    since: datetime
    booked_for: datetime | None


def walked_in(session: Session) -> bool:
    """Whether this session was arranged for somebody who stood there."""
    return session.booking_id is None and session.starts_at - session.created_at <= WALKED_IN


def turn_of(one: InLine, now: datetime) -> Turn:
    """What the rule says of somebody at this moment."""
    if one.booked_for is None:
        return Turn.WALK_IN
    if one.since > one.booked_for + TOLERANCE:
        return Turn.LATE
    return Turn.DUE if now >= one.booked_for - AHEAD else Turn.EARLY


def in_calling_order(waiting: Iterable[InLine], now: datetime) -> list[tuple[InLine, Turn]]:
    """Everybody who waits for one office, the next one first."""
    found = [(one, turn_of(one, now)) for one in waiting]
    return sorted(found, key=lambda each: _place(*each))


def _place(one: InLine, turn: Turn) -> tuple[int, datetime, datetime, str]:
    by_arrival = RANKS[turn] == RANKS[Turn.WALK_IN]
    first = one.since if by_arrival or one.booked_for is None else one.booked_for
    return RANKS[turn], first, one.since, one.id
