"""Reminders of a duty on its way past its last day: when it is told to whom; data of a policy profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

FURTHEST = 90  # Days before or after the last day.


class Audience(StrEnum):
    """Whom a reminder is told: who handles, who heads the unit, who supervises it, who stands above them."""

    HANDLER = "handler"
    UNIT_HEAD = "unit_head"
    SUPERVISOR = "supervisor"
    SUPERIOR = "superior"


@dataclass(frozen=True, slots=True)
class Reminder:
    """`days` before the raw last day where negative, after the rolled one where positive: never 0."""

    code: str
    days: int
    to: Audience

    def __post_init__(self) -> None:
        if not self.days or abs(self.days) > FURTHEST:
            raise ValueError(f"{self.code}：提醒应在到期前后 1 到 {FURTHEST} 天")

    @property
    def warns(self) -> bool:
        """It comes before anything is late."""
        return self.days < 0

    def horizon(self, today: date) -> date:
        """Duties whose last day is not after this one have reached the reminder today."""
        return today - timedelta(days=self.days)


def read_reminders(rows: Sequence[dict[str, object]]) -> tuple[Reminder, ...]:
    """Reminders of a profile in the order of their days. Raises ValueError, KeyError, TypeError."""
    found = [Reminder(str(row["code"]), int(str(row["days"])), Audience(str(row["to"]))) for row in rows]
    if len({each.code for each in found}) != len(found):
        raise ValueError("同一个提醒写了两次")
    return tuple(sorted(found, key=lambda each: each.days))
