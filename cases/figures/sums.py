"""The counting: every measure over one ground and period, in all or in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.figures.measure import MEASURES, Measure, Source, rows_of
from cases.figures.period import Period
from cases.figures.scope import Ground

Sums = Mapping[str, int]


class Dimension(StrEnum):
    """By what sums are told apart."""

    OFFICE = "office"
    UNIT = "unit"
    CHANNEL = "channel"
    CLASS = "class"


_KEYS: Mapping[Dimension, Any] = {
    Dimension.OFFICE: PetitionCase.custodian_id,
    Dimension.UNIT: PetitionCase.handler_id,
    Dimension.CHANNEL: PetitionCase.channel,
    Dimension.CLASS: PetitionCase.class_,
}
NOTHING: Sums = {name: 0 for name in MEASURES}


async def sum_up(db: AsyncSession, ground: Ground, period: Period, today: date) -> Sums:
    """Every measure in all. The caller has asked the policy."""
    return (await _grouped(db, ground, period, today, literal(""), tuple(Source))).get("", NOTHING)


async def sum_by(
    db: AsyncSession, ground: Ground, period: Period, today: date, by: Dimension
) -> Mapping[str, Sums]:
    """Every measure by one dimension; the key of cases without one is the empty string."""
    return await _grouped(db, ground, period, today, _KEYS[by], tuple(Source))


def add_up(sums: Sequence[Sums]) -> Sums:
    """Several groups as one."""
    return {name: sum(each[name] for each in sums) for name in MEASURES}


async def sort_in_memory(db: AsyncSession) -> None:
    """For the rest of the transaction PostgreSQL sorts nothing on the disk."""
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(text("SELECT set_config('work_mem', '32MB', true)"))


async def group_all(
    db: AsyncSession,
    condition: ColumnElement[bool],
    period: Period,
    today: date,
    keys: Sequence[Any],
    sources: Sequence[Source],
) -> dict[tuple[str, ...], Sums]:
    """Every measure of `sources` by several keys; a key that a case has not is the empty string."""
    await sort_in_memory(db)
    found: dict[tuple[str, ...], dict[str, int]] = {}
    labels = [key.label(f"key{place}") for place, key in enumerate(keys)]
    for source in sources:
        measures = {name: each for name, each in MEASURES.items() if each.source is source}
        columns = [_column(each, today).label(name) for name, each in measures.items()]
        query = rows_of(select(*labels, *columns), source, period, today).where(condition)
        for row in (await db.execute(query.group_by(*labels))).all():
            key = tuple(str(part or "") for part in row[: len(labels)])
            sums = found.setdefault(key, dict(NOTHING))
            sums |= {n: int(value or 0) for n, value in zip(measures, row[len(labels) :], strict=True)}
    return dict(found)


async def _grouped(
    db: AsyncSession, ground: Ground, period: Period, today: date, key: Any, sources: Sequence[Source]
) -> dict[str, Sums]:
    found = await group_all(db, ground.condition(), period, today, (key,), sources)
    return {key: sums for (key,), sums in found.items()}


def _column(measure: Measure, today: date) -> ColumnElement[Any]:
    counted: Any = func.count() if measure.value is None else func.sum(measure.value)
    found: ColumnElement[Any] = counted.filter(measure.condition(today)) if measure.condition else counted
    return found
