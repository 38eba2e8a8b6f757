"""What is in force: the calendar and the rules that come with the program, and what administrators entered.

What was entered stands in the database (cases/administration/holidays.py, deadline_version.py) and is held
here by each process, because days are counted where nothing may be read: at its start, after an entry, and
once in a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from cases.deadlines.profile import Profile, read_profiles
from cases.deadlines.workdays import HolidayYear, WorkCalendar, read_calendar
from cases.errors import Conflict

BUILT_IN = read_calendar()
BUILT_IN_PROFILES = read_profiles()


@dataclass(frozen=True)
class LocalRest:
    """Days off of one region alone, with their names."""

    region_code: str
    days: Mapping[date, str]


class CalendarInForce:
    """The program's editions with those that take their place or are new, and days off of regions."""

    def __init__(self, editions: Iterable[HolidayYear] = (), local: Iterable[LocalRest] = ()) -> None:
        self._national = BUILT_IN.with_years(editions)
        self._local = sorted(local, key=lambda each: each.region_code)
        self._merged: dict[str, WorkCalendar] = {}

    def of(self, region_code: str = "") -> WorkCalendar:
        """The working days of a region: the national ones, less what it and the regions above it have off."""
        found = self._merged.get(region_code)
        if found is None:
            days: dict[date, str] = {}
            for each in self._local:
                if region_code.startswith(each.region_code):
                    days |= each.days
            found = self._national.with_local_rest(MappingProxyType(days)) if days else self._national
            self._merged[region_code] = found
        return found


_held = [CalendarInForce()]


def calendar_of(region_code: str = "") -> WorkCalendar:
    """The working days of a region by the calendar that this process holds."""
    return _held[0].of(region_code)


def hold_calendar(calendar: CalendarInForce) -> None:
    """From here on days are counted by this one."""
    _held[0] = calendar


_rules: list[Mapping[str, Profile]] = [BUILT_IN_PROFILES]


def profiles() -> Mapping[str, Profile]:
    """All rules that this process holds by their code; a version that was entered is `region@version`."""
    return _rules[0]


def profile_called(code: str) -> Profile:
    """The rules under which a clock was set.

    Raises Conflict `rules_unread` where another process let them take effect a moment ago: a date by other
    rules would be a wrong one.
    """
    found = _rules[0].get(code)
    if found is None:
        raise Conflict("rules_unread", "期限规则刚刚有了新版本，请一分钟后再试。")
    return found


def hold_profiles(entered: Mapping[str, Profile]) -> None:
    """From here on deadlines follow the program's rules and these."""
    _rules[0] = MappingProxyType({**BUILT_IN_PROFILES, **entered})
