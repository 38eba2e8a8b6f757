"""The figures page as data: what was counted, by what, against the time before, and over the months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from cases.figures.period import Period, months_back
from cases.figures.scope import Filters, Ground, find_ground
from cases.figures.sums import NOTHING, Dimension, Sums, add_up, sum_by, sum_trend, sum_up
from cases.figures.topics import Topic, list_topics
from cases.organisations import CODE_LENGTHS, Organisation, Tier, short_names
from cases.policy import Action, Actor, require

TREND_MONTHS = 12
MOST_UNITS = 20
DISTRICT = CODE_LENGTHS[Tier.DISTRICT]


@dataclass(frozen=True, slots=True)
class Part:
    """One group of a breakdown. `code`: what to ask for to see it alone."""

    code: str
    name: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything of one period. `districts` by region code; `trend` oldest first, by the period's code."""

    period: Period
    ground: Ground
    sums: Sums
    before: Sums
    districts: Sequence[Part]
    offices: Sequence[Part]
    units: Sequence[Part]
    channels: Mapping[str, Sums]
    classes: Mapping[str, Sums]
    trend: Mapping[str, Sums]
    topics: Sequence[Topic]


async def read_figures(
    db: AsyncSession, today: date, actor: Actor, period: Period, filters: Filters
) -> Reading:
    """Count everything. `today`: the civil date of the offices."""
    require(actor, Action.SEE_FIGURES)
    ground = await find_ground(db, actor, filters)
    by_office = await sum_by(db, ground, period, today, Dimension.OFFICE)
    by_unit = await sum_by(db, ground, period, today, Dimension.UNIT)
    return Reading(
        period=period,
        ground=ground,
        sums=add_up(list(by_office.values())),
        before=await sum_up(db, ground, period.before, today),
        districts=districts_of(ground, by_office),
        offices=[
            Part(office.id, office.short_name, by_office[office.id])
            for office in ground.offices
            if office.id in by_office
        ],
        units=await _units(db, by_unit),
        channels=await sum_by(db, ground, period, today, Dimension.CHANNEL),
        classes=await sum_by(db, ground, period, today, Dimension.CLASS),
        trend=await sum_trend(db, ground, months_back(period.last, TREND_MONTHS), today),
        topics=await list_topics(db, ground, period, today),
    )


def districts_of(ground: Ground, by_office: Mapping[str, Sums]) -> list[Part]:
    """The offices of the ground by their district, each district once, the city's own first."""
    found: dict[str, list[Organisation]] = {}
    for office in ground.offices:
        found.setdefault(office.region_code[:DISTRICT], []).append(office)
    return [
        Part(code, offices[0].short_name, add_up([by_office.get(each.id, NOTHING) for each in offices]))
        for code, offices in sorted(found.items())
    ]


async def _units(db: AsyncSession, by_unit: Mapping[str, Sums]) -> list[Part]:
    """The responsible units with most cases; whom nobody was named for is left out."""
    most = sorted(((key, sums) for key, sums in by_unit.items() if key), key=_weight)[:MOST_UNITS]
    known = await short_names(db, [key for key, _ in most])
    return [Part(key, known[key], sums) for key, sums in most]


def _weight(row: tuple[str, Sums]) -> tuple[int, str]:
    return -row[1]["registered"] - row[1]["concluded"] - row[1]["handle_due"], row[0]
