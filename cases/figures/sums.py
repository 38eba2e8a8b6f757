"""The counting: every measure over one ground and period, in all or in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.figures.measure import DAYS, MEASURES, Measure, Source, rows_of
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


async def sum_trend(
    db: AsyncSession, ground: Ground, periods: Sequence[Period], today: date
) -> Mapping[str, Sums]:
    """Every measure of each period, by its code; the periods follow one another without gaps."""
    whole = Period(periods[0].first, periods[-1].last)
    found: dict[str, dict[str, int]] = {period.code: dict(NOTHING) for period in periods}
    for source in (Source.REGISTERED, Source.CONCLUDED, Source.DUTIES, Source.CAMPAIGN):
        day = DAYS[source]
        moment = source is Source.REGISTERED
        ends = [
            (day < period.ends_at if moment else day <= period.last, literal(period.code))
            for period in periods[:-1]
        ]
        bucket = case(*ends, else_=literal(periods[-1].code)) if ends else literal(periods[-1].code)
        for code, sums in (await _grouped(db, ground, whole, today, bucket, (source,))).items():
            found[code] |= {name: sums[name] for name, each in MEASURES.items() if each.source is source}
    return found


def add_up(sums: Sequence[Sums]) -> Sums:
    """Several groups as one."""
    return {name: sum(each[name] for each in sums) for name in MEASURES}


async def _grouped(
    db: AsyncSession,
    ground: Ground,
    period: Period,
    today: date,
    key: ColumnElement[Any],
    sources: Sequence[Source],
) -> dict[str, Sums]:
    found: dict[str, dict[str, int]] = {}
    for source in sources:
        measures = {name: each for name, each in MEASURES.items() if each.source is source}
        columns = [_column(each, today).label(name) for name, each in measures.items()]
        label = key.label("key")
        query = rows_of(select(label, *columns), source, period, today).where(ground.condition())
        for row in (await db.execute(query.group_by(label))).all():
            sums = found.setdefault(str(row[0] or ""), dict(NOTHING))
            sums |= {name: int(value or 0) for name, value in zip(measures, row[1:], strict=True)}
    return dict(found)


def _column(measure: Measure, today: date) -> ColumnElement[Any]:
    counted: Any = func.count() if measure.value is None else func.sum(measure.value)
    found: ColumnElement[Any] = counted.filter(measure.condition(today)) if measure.condition else counted
    return found
