"""Whole months counted beforehand: a page adds up a few thousand rows instead of a million cases.

A month, and what runs now, is counted anew when somebody asks and the last counting is too old; one of those
who ask counts, the others read what there is. What a page shows says when it was counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

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
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent
from cases.figures.measure import MEASURES, Source
from cases.figures.period import Period, month_of, months_back, parse_period
from cases.figures.scope import COUNTED, Ground
from cases.figures.sums import NOTHING, Dimension, Sums, group_all
from cases.figures.topics import TOPICS, count_topics
from cases.handling.clocks import today as civil_day

NOW = "now"  # What runs, whatever the month.
FRESH = timedelta(minutes=5)
FRESH_OLD = timedelta(days=1)
OLD_DAYS = 100  # So long after its end little of a month changes.
LONGEST = 24  # Months; a longer period is counted as it is asked.
_KEYS = ("office_id", "unit_id", "channel", "class")
_COLUMNS = {
    Dimension.OFFICE: "office_id",
    Dimension.UNIT: "unit_id",
    Dimension.CHANNEL: "channel",
    Dimension.CLASS: "class",
}

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


class CountedMonth(Base):
    """When a month was counted last; `counted_on` None until the first counting is done."""

    __tablename__ = "counted_months"

    month: Mapped[str] = mapped_column(String(8), primary_key=True)
    begun_at: Mapped[datetime]
    counted_on: Mapped[date | None] = mapped_column(Date, default=None)


def codes_of(period: Period) -> list[str]:
    """The months of a period of whole months; empty where it is not one, or too long."""
    after = period.last + timedelta(days=1)
    months = (after.year - period.first.year) * 12 + after.month - period.first.month
    if period.first.day != 1 or after.day != 1 or not 1 <= months <= LONGEST:
        return []
    return [each.code for each in months_back(period.last, months)]


async def count_months(db: AsyncSession, clock: Clock, codes: Sequence[str]) -> datetime | None:
    """Count anew what is too old, each month in a transaction of its own.

    Returns since when the oldest of them stands, or None when somebody else is just counting one for the
    first time, so that the asker has to count himself.
    """
    for code in codes:
        if await _claim(db, clock, code):
            await _count(db, clock, code)
    query = select(func.count(), func.min(CountedMonth.begun_at)).where(
        CountedMonth.month.in_(codes), CountedMonth.counted_on.is_not(None)
    )
    found, oldest = (await db.execute(query)).one()
    return oldest if found == len(codes) else None


async def stored_sums(
    db: AsyncSession, ground: Ground, codes: Sequence[str], by: Dimension | None = None
) -> Mapping[str, Sums]:
    """Every measure of counted months, in all (key "") or by a dimension."""
    table = FIGURE_MONTHS.c
    key = table[_COLUMNS[by]] if by else None
    columns = [func.sum(table[name]) for name in MEASURES]
    query = select(*([key] if key is not None else []), *columns).where(*_where(ground, codes))
    if key is not None:
        query = query.group_by(key)
    rows = (await db.execute(query)).all()
    if key is None:
        return {"": _sums(rows[0])}
    return {row[0]: _sums(row[1:]) for row in rows}


async def stored_trend(db: AsyncSession, ground: Ground, codes: Sequence[str]) -> Mapping[str, Sums]:
    """Every measure of each month, the months in the order asked."""
    table = FIGURE_MONTHS.c
    query = select(table.month, *(func.sum(table[name]) for name in MEASURES))
    query = query.where(*_where(ground, codes)).group_by(table.month)
    found = {row[0]: _sums(row[1:]) for row in (await db.execute(query)).all()}
    return {code: found.get(code, NOTHING) for code in codes}


async def stored_topics(db: AsyncSession, ground: Ground, codes: Sequence[str]) -> Mapping[str, int]:
    """How many cases each topic has."""
    query = select(FIGURE_MONTHS.c.topics).where(*_where(ground, codes), FIGURE_MONTHS.c.registered > 0)
    found = dict.fromkeys(TOPICS, 0)
    for topics in await db.scalars(query):
        for title, count in topics.items():
            found[title] = found.get(title, 0) + count
    return found


def _where(ground: Ground, codes: Sequence[str]) -> list[Any]:
    table, filters = FIGURE_MONTHS.c, ground.filters
    keepers = table.office_id.in_([office.id for office in ground.offices])
    asked: list[Any] = [table.month.in_(codes)]
    asked.append(or_(keepers, table.unit_id.in_(ground.units)) if ground.units else keepers)
    if filters.unit_id:
        asked.append(table.unit_id == filters.unit_id)
    if filters.channel:
        asked.append(table.channel == filters.channel)
    if filters.class_:
        asked.append(table["class"] == filters.class_)
    return asked


def _sums(values: Sequence[Any]) -> Sums:
    return {name: int(value or 0) for name, value in zip(MEASURES, values, strict=True)}


async def _claim(db: AsyncSession, clock: Clock, code: str) -> bool:
    """Is it mine to count? Of several that ask only one may."""
    now, day = clock.now(), civil_day(clock)
    known = await db.get(CountedMonth, code, populate_existing=True)
    if known is None:
        await insert_if_absent(
            db, CountedMonth, month=code, begun_at=now - timedelta(days=9_999), counted_on=None
        )
        known = await db.get_one(CountedMonth, code, populate_existing=True)
    old = code != NOW and (day - parse_period(code).last).days > OLD_DAYS
    allowed = FRESH_OLD if old and known.counted_on is not None else FRESH
    if now - known.begun_at <= allowed and (old or known.counted_on in (None, day)):
        return False
    mine = and_(CountedMonth.month == code, CountedMonth.begun_at == known.begun_at)
    claimed = update(CountedMonth).where(mine).values(begun_at=now).returning(CountedMonth.month)
    taken = await db.scalar(claimed.execution_options(synchronize_session=False))
    await db.commit()
    return taken is not None


async def _count(db: AsyncSession, clock: Clock, code: str) -> None:
    day = civil_day(clock)
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
    done = update(CountedMonth).where(CountedMonth.month == code).values(counted_on=day)
    await db.execute(done.execution_options(synchronize_session=False))
    await db.commit()
