"""Receptions planned and held by month: what has passed is counted once and remembered for some minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.figures.months import FRESH
from cases.figures.period import Period
from cases.figures.scope import Filters, Ground
from scheduling.afterwards.session_measure import receptions_of
from scheduling.session import Session

# Offices, filters, months: some forty askers with a year each. The oldest goes first.
MOST = 500
_Key = tuple[tuple[str, ...], Filters, str]


class Trend:
    """Belongs to one process. A month that has not ended is counted each time; one that has stands still but
    for what is noted late, so that it may be as old as other figures may (cases/figures/months.py).
    """

    def __init__(self, clock: Clock, fresh: timedelta = FRESH) -> None:
        self._clock = clock
        self._fresh = fresh
        self._told: dict[_Key, tuple[datetime, tuple[int, int]]] = {}

    async def read(
        self, db: AsyncSession, ground: Ground, months: Sequence[Period]
    ) -> Mapping[str, tuple[int, int]]:
        """Planned and held by the codes of `months`, which follow one another, the oldest first."""
        now, offices = self._clock.now(), tuple(office.id for office in ground.offices)
        keys: dict[str, _Key] = {month.code: (offices, ground.filters, month.code) for month in months}
        known = {code: told for code, key in keys.items() if (told := self._remembered(key, now)) is not None}
        wanted = [month for month in months if month.code not in known]
        found = await _count(db, ground, wanted) if wanted else {}
        day = now.astimezone(BEIJING).date()
        for month in wanted:
            if month.last < day:
                self._keep(keys[month.code], now, found[month.code])
        both = known | found
        return {month.code: both[month.code] for month in months}

    def _remembered(self, key: _Key, now: datetime) -> tuple[int, int] | None:
        kept = self._told.get(key)
        return kept[1] if kept is not None and now - kept[0] < self._fresh else None

    def _keep(self, key: _Key, now: datetime, told: tuple[int, int]) -> None:
        self._told.pop(key, None)
        self._told[key] = now, told
        while len(self._told) > MOST:
            del self._told[next(iter(self._told))]


async def _count(db: AsyncSession, ground: Ground, months: Sequence[Period]) -> dict[str, tuple[int, int]]:
    span = Period(months[0].first, months[-1].last)
    columns = select(*(each for month in months for each in _month(month)))
    row = (await db.execute(receptions_of(ground, span, columns))).one()
    pairs = zip(months, row[::2], row[1::2], strict=True)
    return {month.code: (planned, held) for month, planned, held in pairs}


def _month(month: Period) -> tuple[ColumnElement[int], ColumnElement[int]]:
    # The months are columns and no groups: by month PostgreSQL would sort every row.
    within = and_(Session.starts_at >= month.starts_at, Session.starts_at < month.ends_at)
    return func.count().filter(within), func.count(Session.opened_at).filter(within)
