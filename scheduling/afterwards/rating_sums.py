"""Sums of ratings and of what could be rated, remembered: what was before today stands until tomorrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.policy import Action, Actor, require
from cases.visibility import reachable_organisations
from scheduling.afterwards.ratings import Figures, count_closed, list_figures, midnight

MOST = 500  # Askers with different offices. The oldest goes first.


@dataclass(frozen=True, slots=True)
class Sums:
    """`closed`: receptions that could have been rated."""

    figures: Sequence[Figures]
    closed: int


class RatingSums:
    """Belongs to one process. Who reaches the same offices reads the same sums, counted once a day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day: datetime | None = None
        self._told: dict[tuple[str, ...], Sums] = {}

    async def read(self, db: AsyncSession, actor: Actor) -> Sums:
        """The sums as they stood before today. Raises Forbidden."""
        require(actor, Action.SEE_RATINGS)
        if self._day != (day := midnight(self._clock)):
            self._day, self._told = day, {}
        told = self._told
        offices = tuple(sorted(await db.scalars(reachable_organisations(actor, Action.SEE_RATINGS))))
        if (known := told.get(offices)) is None:
            known = Sums(
                await list_figures(db, self._clock, actor), await count_closed(db, self._clock, actor)
            )
            told[offices] = known
            while len(told) > MOST:
                del told[next(iter(told))]
        return known
