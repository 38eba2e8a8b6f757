"""Whole months counted beforehand: a page adds up a few thousand rows instead of a million cases.

Triggers of the database note the months that a change touches (migration 0057). A month with a note is
counted anew: by the task beside the pages, or by who asks when that is too long ago; one counts, the others
read what there is. A month without a note is exact as it stands, except that a new day makes duties late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import (
    JSON,
    Column,
    Date,
    Index,
    Integer,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, insert_if_absent
from cases.figures.measure import MEASURES, Source
from cases.figures.period import Period, month_of, months_back, parse_period
from cases.figures.scope import COUNTED
from cases.figures.sums import group_all
from cases.figures.topics import count_topics
from cases.handling.clocks import today as civil_day

NOW = "now"  # What runs, whatever the month.
FRESH = timedelta(minutes=5)  # So long who asks takes what there is, though something has changed.
LONGEST = 24  # Months; a longer period is counted as it is asked.
READY = 24  # Months that are counted before anybody asks.
_KEYS = ("office_id", "unit_id", "channel", "class")

FIGURE_MONTHS = Table(
    "figure_months",
    Base.metadata,
    Column("month", String(8), primary_key=True),
    Column("office_id", String(ID_LENGTH), primary_key=True),
    Column("unit_id", String(ID_LENGTH), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("class", String(32), primary_key=True),
    *(Column(name, Integer, nullable=False) for name in MEASURES),
    Column("topics", JSON, nullable=False),
    Index("ix_figure_months_office_id", "office_id", "month"),
)
# Written by triggers alone. `from_on`: the first day on which the change shows; a rating's is the day after.
FIGURE_CHANGES = Table(
    "figure_changes",
    Base.metadata,
    Column("month", String(8), nullable=False),
    Column("from_on", Date, nullable=False),
    Index("ix_figure_changes_month", "month"),
)


class CountedMonth(Base):
    """When a month was counted. `begun_at`: when somebody last began to; `counted_at`: since when its rows
    stand, None until the first counting is done.
    """

    __tablename__ = "counted_months"

    month: Mapped[str] = mapped_column(String(8), primary_key=True)
    begun_at: Mapped[datetime]
    counted_at: Mapped[datetime | None]


def codes_of(period: Period) -> list[str]:
    """The months of a period of whole months; empty where it is not one, or too long."""
    after = period.last + timedelta(days=1)
    months = (after.year - period.first.year) * 12 + after.month - period.first.month
    if period.first.day != 1 or after.day != 1 or not 1 <= months <= LONGEST:
        return []
    return [each.code for each in months_back(period.last, months)]


async def count_months(
    db: AsyncSession, clock: Clock, codes: Sequence[str], patience: timedelta = FRESH
) -> datetime | None:
    """Count anew what has changed and was counted longer than `patience` ago, each month on its own.

    Returns since when the oldest of them stands, now if nothing has changed, or None when somebody else is
    just counting one for the first time, so that the asker has to count himself.
    """
    for code in await _stale(db, clock, codes):
        if await _claim(db, clock, code, patience):
            await _count(db, clock, code)
    left = await _stale(db, clock, codes)
    if not left:
        return clock.now()
    query = select(CountedMonth.counted_at).where(CountedMonth.month.in_(left))
    stands = list(await db.scalars(query))
    told = [moment for moment in stands if moment is not None]
    return min(told) if len(told) == len(left) else None


async def count_changed(db: AsyncSession, clock: Clock, patience: timedelta) -> bool:
    """Count one month that has changed, or was never counted, and commit; False when there is none."""
    day = civil_day(clock)
    this = month_of(day).code
    noted = select(FIGURE_CHANGES.c.month).where(FIGURE_CHANGES.c.from_on <= day).distinct()
    known = set(await db.scalars(select(CountedMonth.month)))
    changed = {code for code in await db.scalars(noted) if code in known or code <= this}
    ready = {each.code for each in months_back(day, READY)}
    for code in await _stale(db, clock, sorted({NOW, *known, *changed, *ready}, reverse=True)):
        if await _claim(db, clock, code, patience):
            await _count(db, clock, code)
            return True
    return False


async def _stale(db: AsyncSession, clock: Clock, codes: Sequence[str]) -> list[str]:
    """Those of these months that would be counted otherwise now, or never were."""
    day = civil_day(clock)
    query = select(CountedMonth.month, CountedMonth.counted_at).where(CountedMonth.month.in_(codes))
    counted = {code: at for code, at in await db.execute(query) if at is not None}
    changes = FIGURE_CHANGES.c
    noted = select(changes.month).where(changes.month.in_(codes), changes.from_on <= day).distinct()
    changed = set(await db.scalars(noted))
    return [
        code
        for code in codes
        if code in changed or code not in counted or _turned(code, _day(counted[code]), day)
    ]


def _turned(code: str, counted_on: date, day: date) -> bool:
    """Have duties of this month become late since, by the passing of days alone?"""
    if code == NOW or counted_on >= day:
        return counted_on < day
    period = parse_period(code)
    return period.first < day and period.last >= counted_on


async def _claim(db: AsyncSession, clock: Clock, code: str, patience: timedelta) -> bool:
    """Is it mine to count? Of several that ask only one may."""
    now = clock.now()
    known = await db.get(CountedMonth, code, populate_existing=True)
    if known is None:
        long_ago = now - timedelta(days=9_999)
        await insert_if_absent(db, CountedMonth, month=code, begun_at=long_ago, counted_at=None)
        known = await db.get_one(CountedMonth, code, populate_existing=True)
    if now - known.begun_at <= patience and _day(known.begun_at) == _day(now):
        return False
    mine = and_(CountedMonth.month == code, CountedMonth.begun_at == known.begun_at)
    claimed = update(CountedMonth).where(mine).values(begun_at=now).returning(CountedMonth.month)
    taken = await db.scalar(claimed.execution_options(synchronize_session=False))
    await db.commit()
    return taken is not None


async def _count(db: AsyncSession, clock: Clock, code: str) -> None:
    now, day = clock.now(), civil_day(clock)
    # One after the other, should somebody have taken longer than anybody waits.
    await db.execute(select(CountedMonth.month).where(CountedMonth.month == code).with_for_update())
    # First the notes, then the counting: what is noted meanwhile stays for the next one.
    changes = FIGURE_CHANGES.c
    await db.execute(delete(FIGURE_CHANGES).where(changes.month == code, changes.from_on <= day))
    period = month_of(day) if code == NOW else parse_period(code)
    sources = [source for source in Source if (source is Source.RUNNING) == (code == NOW)]
    keys = PetitionCase.custodian_id, PetitionCase.handler_id, PetitionCase.channel, PetitionCase.class_
    groups = await group_all(db, COUNTED, period, day, keys, sources)
    topics = {} if code == NOW else await count_topics(db, COUNTED, period, day, keys)
    rows = [
        {"month": code, "topics": topics.get(key, {})} | dict(zip(_KEYS, key, strict=True)) | dict(sums)
        for key, sums in groups.items()
    ]
    await db.execute(delete(FIGURE_MONTHS).where(FIGURE_MONTHS.c.month == code))
    if rows:
        await db.execute(insert(FIGURE_MONTHS), rows)
    done = update(CountedMonth).where(CountedMonth.month == code).values(counted_at=now)
    await db.execute(done.execution_options(synchronize_session=False))
    await db.commit()


def _day(moment: datetime) -> date:
    return moment.astimezone(BEIJING).date()
