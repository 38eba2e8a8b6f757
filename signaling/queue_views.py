"""What a waiting person is told: the place in the waiting room, and how long it probably takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WaitView:
    """How long it probably takes, minutes; `most` is null when it may take any longer.

    `least` is null when somebody before takes longer than usual and nobody can say.
    """

    least: int | None
    most: int | None


@dataclass(frozen=True)
class QueueView:
    """Where a waiting person stands; position 1 is next; stepped out, the place is kept `away_until`.

    `wait` is null while nothing is known or nobody is before.
    """

    position: int
    ahead: int
    number: str
    state_text: str
    note: str
    away_until: str | None
    wait: WaitView | None
