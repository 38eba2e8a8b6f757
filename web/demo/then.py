"""A clock for what happened before the demo day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from cases.clock import BEIJING, Clock
from cases.deadlines.in_force import calendar_of


@dataclass(frozen=True)
class At:
    """It stands at one moment, which is aware."""

    moment: datetime

    def now(self) -> datetime:
        # In UTC as every clock: the audit's digests are over it, and would not be found again otherwise.
        return self.moment.astimezone(UTC)


def days_before(clock: Clock, ago: int, hour: tuple[int, int], region_code: str) -> datetime:
    """That hour of the day so many working days of a region before today, in Beijing."""
    day = clock.now().astimezone(BEIJING).date()
    while ago:
        day -= timedelta(days=1)
        ago -= calendar_of(region_code).is_working(day)
    return datetime.combine(day, time(*hour), BEIJING)
