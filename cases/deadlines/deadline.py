"""A deadline: until when a duty runs, how that was counted, and how it stands on a given day.

The day of the event is not counted; a last day on which the offices are closed moves to the next working
day (Civil Procedure Law, Art. 85; the petition text is silent). Both dates are kept: people are warned by
the raw one, and only the rolled one decides what is late. Days of a hearing are not counted where the duty
says so (Regulations on Petition Work, Art. 36). All dates are civil dates of Beijing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from cases.deadlines.profile import Duty, Pause, Profile, Unit
from cases.deadlines.workdays import DAY, WorkCalendar
from cases.errors import Invalid

# So many days before the raw date a clock is told to be near its end.
WARN_DAYS = 5
# Pauses of one clock; more than a matter ever has.
MOST_PAUSES = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """Days on which a clock stood still, both included; `last` None while it still does."""

    kind: Pause
    first: date
    last: date | None

    def covers(self, day: date) -> bool:
        """Was the clock standing still that day?"""
        return self.first <= day and (self.last is None or day <= self.last)


class Standing(StrEnum):
    """How a clock stands."""

    RUNNING = "running"
    NEAR = "near"
    OVERDUE = "overdue"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    MET = "met"
    MET_LATE = "met_late"


@dataclass(frozen=True, slots=True)
class Deadline:
    """What was counted. `raw`, `rolled`: None while the clock stands still or the duty has no figure."""

    duty: Duty
    start: date
    days: int
    extension: int
    pauses: tuple[Interval, ...]
    raw: date | None
    rolled: date | None
    rolls_over: tuple[str, ...] = ()
    unknown_years: tuple[int, ...] = ()

    @property
    def paused_days(self) -> int:
        """Days that were not counted up to the raw date."""
        if self.raw is None:
            return 0
        days = (self.raw - self.start).days
        return sum(
            any(pause.covers(self.start + timedelta(days=number)) for pause in self.pauses)
            for number in range(1, days + 1)
        )

    def stands(self, today: date, met_on: date | None = None, warn_days: int = WARN_DAYS) -> Standing:
        """How it stands today; `met_on`: when the duty was done."""
        if met_on is not None:
            late = self.rolled is not None and met_on > self.rolled
            if late and self.duty.right:
                return Standing.LAPSED  # Somebody noted that it was not used: nobody's delay.
            return Standing.MET_LATE if late else Standing.MET
        if any(pause.covers(today) for pause in self.pauses):
            return Standing.SUSPENDED
        if self.raw is None or self.rolled is None:
            return Standing.RUNNING
        if today > self.rolled:
            return Standing.LAPSED if self.duty.right else Standing.OVERDUE
        return Standing.NEAR if today >= self.raw - timedelta(days=warn_days) else Standing.RUNNING

    def days_left(self, today: date) -> int | None:
        """Calendar days to the rolled date, negative when it is past."""
        return (self.rolled - today).days if self.rolled is not None else None


def count(
    profile: Profile,
    calendar: WorkCalendar,
    code: str,
    start: date,
    *,
    extension: int = 0,
    pauses: Iterable[Interval] = (),
    set_days: int = 0,
) -> Deadline:
    """The deadline of one duty from the day of its event.

    `set_days`: the length where it is set for each matter. Raises Invalid `unknown_duty`, `bad_extension`,
    `bad_pause`, `bad_days`.
    """
    duty = profile.duty(code)
    if duty is None:
        raise Invalid("unknown_duty", f"{profile.name}没有这项期限。")
    if not 0 <= extension <= duty.most_extension:
        most = f"最多延长 {duty.most_extension} 日。" if duty.most_extension else "这项期限不能延长。"
        raise Invalid("bad_extension", most, "extension")
    held = _joined(pauses, duty, start)
    days = duty.days or set_days
    if duty.set_each and not 0 <= set_days <= 366:
        raise Invalid("bad_days", "期限应在 1 到 366 日之间。", "days")
    bare = Deadline(duty, start, days, extension, held, None, None)
    if duty.at_once:
        return replace(bare, raw=start, rolled=start)
    if not days:
        return bare
    raw = _walk(calendar, duty.unit, start, days + extension, held)
    if raw is None:
        return bare
    rolled = calendar.roll(raw) if profile.roll_on_holiday else raw
    over = tuple(calendar.rest_name(raw + DAY * number) for number in range((rolled - raw).days))
    return replace(
        bare, raw=raw, rolled=rolled, rolls_over=over, unknown_years=calendar.unknown_years(start, rolled)
    )


def _walk(
    calendar: WorkCalendar, unit: Unit, start: date, days: int, pauses: Sequence[Interval]
) -> date | None:
    """The last of so many days after `start` that count; None when a pause has not ended before."""
    if unit is Unit.CALENDAR and not pauses:
        return start + DAY * days
    day = start
    while days:
        day += DAY
        standing = next((pause for pause in pauses if pause.covers(day)), None)
        if standing is not None:
            if standing.last is None:
                return None
            day = standing.last
            continue
        days -= unit is Unit.CALENDAR or calendar.is_working(day)
    return day


def _joined(pauses: Iterable[Interval], duty: Duty, start: date) -> tuple[Interval, ...]:
    """In order, those that this duty knows. Raises Invalid `bad_pause`."""
    found = sorted((each for each in pauses if each.kind in duty.pauses), key=lambda each: each.first)
    if len(found) > MOST_PAUSES:
        raise Invalid("bad_pause", f"中止期间最多 {MOST_PAUSES} 段。", "pauses")
    for each in found:
        if each.last is not None and each.last < each.first:
            raise Invalid("bad_pause", "中止期间的结束日期早于开始日期。", "pauses")
        if each.first < start:
            raise Invalid("bad_pause", "中止期间不能早于期限的起算日。", "pauses")
    return tuple(found)
