"""Which days a rule names: the 15th of each month, Tuesdays of the first and third week, every working day.

A day that is no working day moves on to the next one (the county practice of domain.md 1.6), so a rule names
a day and says on which one it falls. Two named days that fall on one are one.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cases.deadlines.workdays import WorkCalendar
from cases.errors import Invalid

DAY = timedelta(days=1)
LAST_DAY = 31
WEEKDAYS = 5  # Reception is on working days: Monday 0 to Friday 4.
MAX_WEEK = 5


class Pattern(StrEnum):
    """How a rule repeats."""

    MONTHLY_DAY = "monthly_day"
    MONTHLY_WEEKS = "monthly_weeks"
    WEEKLY = "weekly"
    WORKDAYS = "workdays"
    ONCE = "once"


PATTERN_NAMES = {
    Pattern.MONTHLY_DAY: "每月某一天",
    Pattern.MONTHLY_WEEKS: "每月第几周的星期几",
    Pattern.WEEKLY: "每周星期几",
    Pattern.WORKDAYS: "每个工作日",
    Pattern.ONCE: "只有这一天",
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`month_day` 1–31 (a shorter month: its last day), `weeks` 1–5, `weekday` 0 Monday–4 Friday.

    A week of a month is counted by its weekday: the third Tuesday is in week 3.
    """

    pattern: Pattern
    month_day: int | None = None
    weekday: int | None = None
    weeks: tuple[int, ...] = ()

    def check(self) -> None:
        """Raise Invalid at the field that is missing or cannot be."""
        if self.pattern is Pattern.MONTHLY_DAY and not (self.month_day and 1 <= self.month_day <= LAST_DAY):
            raise Invalid("bad_month_day", "请填写每月几日，1 到 31。", "month_day")
        needs_weekday = self.pattern in (Pattern.MONTHLY_WEEKS, Pattern.WEEKLY)
        if needs_weekday and (self.weekday is None or not 0 <= self.weekday < WEEKDAYS):
            raise Invalid("bad_weekday", "请选择星期一到星期五。", "weekday")
        if self.pattern is Pattern.MONTHLY_WEEKS and (
            not self.weeks or any(not 1 <= week <= MAX_WEEK for week in self.weeks)
        ):
            raise Invalid("bad_weeks", "请选择每月第几周。", "weeks")

    def names(self, day: date) -> bool:
        """Does the rule name this day, holiday or not?"""
        if self.pattern is Pattern.MONTHLY_DAY:
            length = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(self.month_day or 0, length)
        if self.pattern is Pattern.MONTHLY_WEEKS:
            return day.weekday() == self.weekday and (day.day - 1) // 7 + 1 in self.weeks
        return self.pattern is not Pattern.WEEKLY or day.weekday() == self.weekday

    def days(self, work: WorkCalendar, first: date, last: date) -> Iterator[tuple[date, date]]:
        """(named day, day it falls on) for each named day from `first` to `last`, in order.

        Every working day names no holiday, so nothing moves there.
        """
        taken: set[date] = set()
        day = first
        while day <= last:
            if self.names(day) and (self.pattern is not Pattern.WORKDAYS or work.is_working(day)):
                falls = work.roll(day)
                if falls not in taken:
                    taken.add(falls)
                    yield day, falls
            day += DAY


def describe(rule: Recurrence) -> str:
    """The rule in words."""
    weekday = "一二三四五"[rule.weekday or 0]
    if rule.pattern is Pattern.MONTHLY_DAY:
        return f"每月 {rule.month_day} 日"
    if rule.pattern is Pattern.MONTHLY_WEEKS:
        weeks = "、".join(str(week) for week in rule.weeks)
        return f"每月第 {weeks} 周星期{weekday}"
    if rule.pattern is Pattern.WEEKLY:
        return f"每周星期{weekday}"
    return PATTERN_NAMES[rule.pattern]
