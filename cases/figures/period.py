"""A period of civil days of Beijing: `2026-06`, `2026-Q2`, `2026-H1`, `2026` or `2026-06-01..2026-06-14`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cases.clock import BEIJING
from cases.errors import Invalid

FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_DAYS = 3_660
DAY = timedelta(days=1)
_WRITTEN = re.compile(r"(\d{4})(?:-(?:(\d{2})|Q([1-4])|H([12])))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included. `code` is how it is written in an address."""

    first: date
    last: date

    @property
    def starts_at(self) -> datetime:
        """Midnight in Beijing with which it begins."""
        return datetime.combine(self.first, time(), BEIJING)

    @property
    def ends_at(self) -> datetime:
        """Midnight in Beijing with which it is over."""
        return datetime.combine(self.last + DAY, time(), BEIJING)

    @property
    def code(self) -> str:
        """As `parse_period` reads it, the shortest form."""
        whole = _whole_months(self)
        if whole == 12 and self.first.month == 1:
            return f"{self.first:%Y}"
        if whole == 6 and self.first.month in (1, 7):
            return f"{self.first:%Y}-H{1 + self.first.month // 7}"
        if whole == 3 and self.first.month % 3 == 1:
            return f"{self.first:%Y}-Q{1 + self.first.month // 3}"
        return f"{self.first:%Y-%m}" if whole == 1 else f"{self.first}..{self.last}"

    @property
    def whole_months(self) -> int:
        """How many whole months it has; 0 if it begins or ends within one."""
        return _whole_months(self)

    @property
    def before(self) -> Period:
        """As many months, or days, directly before."""
        months = _whole_months(self)
        last = self.first - DAY
        first = _shift(self.first, -months) if months else self.first - (self.last - self.first) - DAY
        return Period(first, last)


def month_of(day: date) -> Period:
    """The whole month of a day."""
    first = day.replace(day=1)
    return Period(first, _shift(first, 1) - DAY)


def months_back(last: date, count: int) -> Sequence[Period]:
    """So many whole months, the month of `last` at the end."""
    first = last.replace(day=1)
    return [month_of(_shift(first, number - count + 1)) for number in range(count)]


def parse_period(written: str) -> Period:
    """Raises Invalid at `period`: not a period, end before start, out of 2000 to 2199, over ten years."""
    first, dots, last = written.partition("..")
    if dots:
        found = Period(_day(first), _day(last))
        if found.last < found.first:
            raise Invalid("end_before_start", "结束日期早于开始日期。", "period")
        if (found.last - found.first).days >= LONGEST_DAYS:
            raise Invalid("period_too_long", "一次最多统计十年。", "period")
        return found
    match = _WRITTEN.fullmatch(written)
    if match is None:
        raise Invalid("bad_period", "请按 2026-06、2026-Q2、2026-H1 或者 2026 的样子填写统计期。", "period")
    year, month, quarter, half = match.groups()
    begin, length = (int(month), 1) if month else (1, 12)
    if quarter:
        begin, length = int(quarter) * 3 - 2, 3
    if half:
        begin, length = int(half) * 6 - 5, 6
    if not 1 <= begin <= 12:
        raise Invalid("bad_period", "没有这个月份。", "period")
    first_day = _in_range(int(year), date(max(1, int(year)), begin, 1))
    return Period(first_day, _shift(first_day, length) - DAY)


def _day(written: str) -> date:
    try:
        day = date.fromisoformat(written) if len(written) == 10 else None
    except ValueError:
        day = None
    if day is None:
        raise Invalid("bad_date", "请按 2026-07-29 的样子填写日期。", "period")
    return _in_range(day.year, day)


def _in_range(year: int, day: date) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid("bad_period", f"年份应在 {FIRST_YEAR} 到 {LAST_YEAR} 之间。", "period")
    return day


def _shift(first: date, months: int) -> date:
    """The first of the month so many months on."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _whole_months(period: Period) -> int:
    """How many whole months it has; 0 if it begins or ends within one."""
    after = period.last + DAY
    if period.first.day != 1 or after.day != 1:
        return 0
    return (after.year - period.first.year) * 12 + after.month - period.first.month
