"""The clock that is handed in, so that no use case ever asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

# Civil dates of the offices: opening hours, case years, printed times.
BEIJING = ZoneInfo("Asia/Shanghai")


def chinese_date(day: date) -> str:
    """`2026年7月22日`, as citizens, letters and explanations read it; a moment is one of Beijing already."""
    return f"{day.year}年{day.month}月{day.day}日"


class Clock(Protocol):
    """Anything that can tell the time of day."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
