"""The figures page as data: what was counted, by what, against the time before, and over the months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.figures.months import (
    NOW,
    codes_of,
    count_months,
    stored_sums,
    stored_topics,
    stored_trend,
)
from cases.figures.period import Period, months_back
from cases.figures.scope import Filters, Ground, find_ground
from cases.figures.sums import NOTHING, Dimension, Sums, add_up, sum_by, sum_up
from cases.figures.topics import Topic, list_topics, rank_topics
from cases.handling.clocks import today as civil_day
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
    """Everything of one period. `districts` by region code; `trend` oldest first, by the period's code;
    `counted_at`: since when the oldest number in it stands.
    """

    period: Period
    counted_at: datetime
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
    db: AsyncSession, clock: Clock, actor: Actor, period: Period, filters: Filters
) -> Reading:
    """Everything of a period: whole months as they were counted last, other days as they are now."""
    require(actor, Action.SEE_FIGURES)
    ground, day = await find_ground(db, actor, filters), civil_day(clock)
    wanted, before = codes_of(period), codes_of(period.before)
    year = [each.code for each in months_back(period.last, TREND_MONTHS)]
    counted_at = await count_months(db, clock, sorted({NOW, *wanted, *before, *year}))
    if wanted and before and counted_at is not None:
        by_office = await stored_sums(db, ground, [*wanted, NOW], Dimension.OFFICE)
        by_unit = await stored_sums(db, ground, [*wanted, NOW], Dimension.UNIT)
        earlier = (await stored_sums(db, ground, before))[""]
        channels = await stored_sums(db, ground, [*wanted, NOW], Dimension.CHANNEL)
        classes = await stored_sums(db, ground, [*wanted, NOW], Dimension.CLASS)
        topics = rank_topics(await stored_topics(db, ground, wanted))
    else:
        counted_at = clock.now()
        by_office = await sum_by(db, ground, period, day, Dimension.OFFICE)
        by_unit = await sum_by(db, ground, period, day, Dimension.UNIT)
        earlier = await sum_up(db, ground, period.before, day)
        channels = await sum_by(db, ground, period, day, Dimension.CHANNEL)
        classes = await sum_by(db, ground, period, day, Dimension.CLASS)
        topics = await list_topics(db, ground, period, day)
    return Reading(
        period=period,
        counted_at=counted_at,
        ground=ground,
        sums=add_up(list(by_office.values())),
        before=earlier,
        districts=districts_of(ground, by_office),
        offices=[
            Part(office.id, office.short_name, by_office[office.id])
            for office in ground.offices
            if office.id in by_office
        ],
        units=await _units(db, by_unit),
        channels=channels,
        classes=classes,
        trend=await stored_trend(db, ground, year),
        topics=topics,
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
