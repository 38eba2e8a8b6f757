"""A page of figures as data: what was counted, by what, against the time before, and over the months."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.figures.guarding import told_ratings
from cases.figures.months import NOW, codes_of, count_months
from cases.figures.period import Period, months_back
from cases.figures.scope import Filters, Ground, find_ground
from cases.figures.stored import stored_sums, stored_topics, stored_trend
from cases.figures.sums import NOTHING, Dimension, Sums, add_up, sum_by, sum_up
from cases.figures.topics import Topic, list_topics, rank_topics
from cases.handling.clocks import today as civil_day
from cases.organisations import CODE_LENGTHS, Organisation, Tier, short_names
from cases.policy import Action, Actor, require

TREND_MONTHS = 12
MOST_PARTS = 20
DISTRICT = CODE_LENGTHS[Tier.DISTRICT]


class Portion(StrEnum):
    """What a page shows beside the sums; nothing else is read."""

    OFFICES = "offices"
    UNITS = "units"
    CHANNELS = "channels"
    CLASSES = "classes"
    TREND = "trend"
    TOPICS = "topics"


@dataclass(frozen=True, slots=True)
class Part:
    """One group of a breakdown. `code`: what to ask for to see it alone; `ratings`: may they be told."""

    code: str
    name: str
    sums: Sums
    ratings: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything of one period that was asked for. `districts` by region code; `trend` oldest first, by the
    period's code; `counted_at`: since when the oldest number in it stands. `ratings`: whether they may be
    told: only of whole months and all channels and classes, or two questions would tell one petitioner's.
    """

    period: Period
    counted_at: datetime
    ground: Ground
    ratings: bool
    sums: Sums
    before: Sums
    districts: Sequence[Part] = ()
    offices: Sequence[Part] = ()
    units: Sequence[Part] = ()
    channels: Mapping[str, Sums] | None = None
    classes: Mapping[str, Sums] | None = None
    trend: Mapping[str, Sums] | None = None
    topics: Sequence[Topic] = ()


async def read_figures(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    period: Period,
    filters: Filters,
    portions: Collection[Portion] = tuple(Portion),
) -> Reading:
    """What a page shows of a period: whole months as they were counted, other days as they are now."""
    require(actor, Action.SEE_FIGURES)
    ground = await find_ground(db, actor, filters)
    wanted, before = codes_of(period), codes_of(period.before)
    year = [each.code for each in months_back(period.last, TREND_MONTHS)] if Portion.TREND in portions else []
    counted_at = await count_months(db, clock, sorted({NOW, *wanted, *before, *year}))
    counting: _Counting
    if wanted and before and counted_at is not None:
        counting = _Stored(db, ground, wanted)
        earlier = (await stored_sums(db, ground, before))[""]
    else:
        counted_at, day = clock.now(), civil_day(clock)
        counting = _Live(db, ground, period, day)
        earlier = await sum_up(db, ground, period.before, day)

    async def by(portion: Portion, dimension: Dimension) -> Mapping[str, Sums] | None:
        return await counting.by(dimension) if portion in portions else None

    by_office = await by(Portion.OFFICES, Dimension.OFFICE)
    by_unit = await by(Portion.UNITS, Dimension.UNIT)
    ratings = bool(wanted) and not filters.channel and not filters.class_
    return Reading(
        period=period,
        counted_at=counted_at,
        ground=ground,
        ratings=ratings,
        sums=await counting.in_all() if by_office is None else add_up(list(by_office.values())),
        before=earlier,
        districts=_districts(ground, by_office or {}, ratings),
        offices=_offices(ground, by_office or {}, ratings),
        units=await _units(db, by_unit or {}, ratings),
        channels=await by(Portion.CHANNELS, Dimension.CHANNEL),
        classes=await by(Portion.CLASSES, Dimension.CLASS),
        trend=await stored_trend(db, ground, year) if year else None,
        topics=await counting.topics() if Portion.TOPICS in portions else (),
    )


class _Stored:
    """Sums of months that were counted beforehand."""

    def __init__(self, db: AsyncSession, ground: Ground, codes: Sequence[str]) -> None:
        self._db, self._ground, self._codes = db, ground, codes

    async def in_all(self) -> Sums:
        return (await stored_sums(self._db, self._ground, [*self._codes, NOW]))[""]

    async def by(self, dimension: Dimension) -> Mapping[str, Sums]:
        return await stored_sums(self._db, self._ground, [*self._codes, NOW], dimension)

    async def topics(self) -> Sequence[Topic]:
        return rank_topics(await stored_topics(self._db, self._ground, self._codes))


class _Live:
    """Sums of any days, counted now."""

    def __init__(self, db: AsyncSession, ground: Ground, period: Period, day: date) -> None:
        self._db, self._ground, self._period, self._day = db, ground, period, day

    async def in_all(self) -> Sums:
        return await sum_up(self._db, self._ground, self._period, self._day)

    async def by(self, dimension: Dimension) -> Mapping[str, Sums]:
        return await sum_by(self._db, self._ground, self._period, self._day, dimension)

    async def topics(self) -> Sequence[Topic]:
        return await list_topics(self._db, self._ground, self._period, self._day)


_Counting = _Stored | _Live


def _districts(ground: Ground, by_office: Mapping[str, Sums], ratings: bool) -> list[Part]:
    """The offices of the ground by their district, each district once, the city's own first."""
    if not by_office:
        return []
    found: dict[str, list[Organisation]] = {}
    for office in ground.offices:
        found.setdefault(office.region_code[:DISTRICT], []).append(office)
    sums = {
        code: add_up([by_office.get(each.id, NOTHING) for each in offices])
        for code, offices in sorted(found.items())
    }
    told = told_ratings(sums) if ratings else frozenset()
    return [Part(code, found[code][0].short_name, each, code in told) for code, each in sums.items()]


def _offices(ground: Ground, by_office: Mapping[str, Sums], ratings: bool) -> list[Part]:
    """The offices with most cases."""
    told = told_ratings(by_office) if ratings else frozenset()
    found = [
        Part(office.id, office.short_name, by_office[office.id], office.id in told)
        for office in ground.offices
        if office.id in by_office
    ]
    return sorted(found, key=lambda part: _weight((part.code, part.sums)))[:MOST_PARTS]


async def _units(db: AsyncSession, by_unit: Mapping[str, Sums], ratings: bool) -> list[Part]:
    """The responsible units with most cases; whom nobody was named for is left out."""
    told = told_ratings(by_unit) if ratings else frozenset()
    most = sorted(((key, sums) for key, sums in by_unit.items() if key), key=_weight)[:MOST_PARTS]
    known = await short_names(db, [key for key, _ in most])
    return [Part(key, known[key], sums, key in told) for key, sums in most]


def _weight(row: tuple[str, Sums]) -> tuple[int, str]:
    return -row[1]["registered"] - row[1]["concluded"] - row[1]["handle_due"], row[0]
