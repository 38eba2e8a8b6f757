"""Working days: which days the offices work, by the yearly arrangement of the State Council's office.

A year's arrangement is published late in the year before and follows no formula, so it is data
(`holidays.json`); a region may add days of its own. A year that is not there is counted by weekends alone,
and whoever asks is told (`unknown_years`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE = Path(__file__).parent / "holidays.json"
DAY = timedelta(days=1)
SATURDAY = 5
# No arrangement of rest is longer; a table in which one is was mistyped.
LONGEST_REST = 31


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """One year's edition: `rest` names each day off, `work` holds weekend days that are worked instead."""

    year: int
    source: str
    rest: Mapping[date, str]
    work: frozenset[date]

    def problems(self) -> list[str]:
        """What cannot be right in it, in Chinese; empty for a good one."""
        both = sorted(self.work & self.rest.keys())
        needless = sorted(day for day in self.work if day.weekday() < SATURDAY)
        return [f"{day} 又是休息日又是上班日" for day in both] + [
            f"{day} 本来就是工作日，不必写成上班" for day in needless
        ]


@dataclass(frozen=True)
class WorkCalendar:
    """The days of one region. `local_rest`: days off of the region alone, with their names."""

    years: Mapping[int, HolidayYear]
    local_rest: Mapping[date, str] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        """Do the offices work that day?"""
        edition = self.years.get(day.year)
        if day in self.local_rest:
            return False
        if edition is not None:
            if day in edition.work:
                return True
            if day in edition.rest:
                return False
        return day.weekday() < SATURDAY

    def rest_name(self, day: date) -> str:
        """Why that day is off, in Chinese: a festival, 周末; empty for a working day."""
        if self.is_working(day):
            return ""
        edition = self.years.get(day.year)
        named = self.local_rest.get(day) or (edition.rest.get(day) if edition is not None else None)
        return named or "周末"

    def roll(self, day: date) -> date:
        """The day itself, or the first working day after it."""
        return next(each for each in _days(day, LONGEST_REST) if self.is_working(each))

    def before(self, day: date, count: int) -> date:
        """The `count`-th working day before a day, which is not counted itself."""
        while count:
            day -= DAY
            count -= self.is_working(day)
        return day

    def unknown_years(self, first: date, last: date) -> tuple[int, ...]:
        """Years from one day to the other whose edition is missing: nobody should rely on that count."""
        return tuple(year for year in range(first.year, last.year + 1) if year not in self.years)

    def with_local_rest(self, local_rest: Mapping[date, str]) -> WorkCalendar:
        """The same with days off of a region."""
        return WorkCalendar(self.years, MappingProxyType({**self.local_rest, **local_rest}))

    def with_years(self, editions: Iterable[HolidayYear]) -> WorkCalendar:
        """The same with editions that take the place of ours, or are new."""
        replaced = {edition.year: edition for edition in editions}
        return WorkCalendar(MappingProxyType({**self.years, **replaced}), self.local_rest)

    @cached_property
    def newest_year(self) -> int:
        """The last year that is known; 0 when none is."""
        return max(self.years, default=0)


def read_holiday_year(year: int, told: Mapping[str, Any]) -> HolidayYear:
    """One edition of the file. Raises ValueError, in Chinese, with everything that is wrong with it.

    `told`: `source`; `rest`, festival → list of days or of [first, last]; `work`, list of days, all `MM-DD`.
    """
    rest: dict[date, str] = {}
    try:
        for name, spans in told["rest"].items():
            for span in spans:
                first, last = (span, span) if isinstance(span, str) else span
                begin, end = _day(year, first), _day(year, last)
                length = (end - begin).days + 1
                if not 1 <= length < LONGEST_REST:
                    raise ValueError(f"{name} 从 {first} 到 {last} 不对")
                rest |= dict.fromkeys(_days(begin, length), str(name))
        work = frozenset(_day(year, each) for each in told["work"])
        found = HolidayYear(year, str(told["source"]), MappingProxyType(rest), work)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{year} 年的节假日安排不完整：{error}") from error
    if problems := found.problems():
        raise ValueError("；".join(problems))
    return found


def read_calendar(file: Path = FILE) -> WorkCalendar:
    """The calendar of a file of editions, year → edition. Raises ValueError."""
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return WorkCalendar(
        MappingProxyType({int(year): read_holiday_year(int(year), edition) for year, edition in told.items()})
    )


def _day(year: int, text: str) -> date:
    return date.fromisoformat(f"{year}-{text}")


def _days(first: date, count: int) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(count))
