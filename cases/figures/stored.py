"""What the months that were counted beforehand add up to, over one ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.figures.measure import MEASURES
from cases.figures.months import FIGURE_MONTHS
from cases.figures.scope import Ground
from cases.figures.sums import NOTHING, Dimension, Sums
from cases.figures.topics import TOPICS

_COLUMNS = {
    Dimension.OFFICE: "office_id",
    Dimension.UNIT: "unit_id",
    Dimension.CHANNEL: "channel",
    Dimension.CLASS: "class",
}


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
