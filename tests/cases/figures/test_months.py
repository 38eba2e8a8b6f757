"""Months counted beforehand say what counting says, grow old, and are counted by one asker alone."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionClass
from cases.database import Database
from cases.figures.months import (
    NOW,
    _claim,
    codes_of,
    count_months,
    stored_sums,
    stored_topics,
    stored_trend,
)
from cases.figures.period import months_back, parse_period
from cases.figures.scope import Filters, find_ground
from cases.figures.sums import NOTHING, Dimension, sum_by, sum_up
from cases.figures.topics import list_topics, rank_topics
from cases.handling.clocks import today
from tests.clock import FixedClock
from tests.factories import World, make_petition
from web.demo.source_figures import PERIOD, seed_source_figures


async def test_counted_months_say_what_counting_says(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await seed_source_figures(db)
    day, months = today(clock), codes_of(PERIOD)
    assert months == [f"2021-0{month}" for month in range(1, 7)]
    assert await count_months(db, clock, [*months, NOW]) == clock.now()
    for who, filters in (
        ("city.leader", Filters()),
        ("xigu.leader", Filters()),
        ("city.leader", Filters(region="620103", channel=Channel.WEB)),
        ("city.leader", Filters(class_=PetitionClass.SUGGESTION)),
    ):
        ground = await find_ground(db, world.actor(who), filters)
        live = await sum_up(db, ground, PERIOD, day)
        stored = (await stored_sums(db, ground, [*months, NOW]))[""]
        assert stored == live and live["concluded"], (who, filters)
        for by in Dimension:
            groups = await sum_by(db, ground, PERIOD, day, by)
            assert await stored_sums(db, ground, [*months, NOW], by) == groups, by
        assert rank_topics(await stored_topics(db, ground, months)) == await list_topics(
            db, ground, PERIOD, day
        )
        trend = await stored_trend(db, ground, months)
        assert sum(each["registered"] for each in trend.values()) == live["registered"]


async def test_what_is_too_old_is_counted_anew_and_by_one_alone(
    database: Database, db: AsyncSession, clock: FixedClock, world: World
) -> None:
    code = [each.code for each in months_back(today(clock), 1)]
    ground = await find_ground(db, world.actor("city.leader"), Filters())

    async def registered() -> int:
        await count_months(db, clock, code)
        return (await stored_sums(db, ground, code))[""]["registered"]

    assert await registered() == 0
    await make_petition(db, clock, world.chengguan)
    assert await registered() == 0, "not too old yet"
    clock.advance(minutes=6)
    assert await registered() == 1
    clock.advance(minutes=6)
    async with database.session() as other:
        assert [await _claim(db, clock, code[0]), await _claim(other, clock, code[0])] == [True, False]


async def test_who_finds_a_first_counting_begun_is_told_to_count_himself(
    db: AsyncSession, clock: FixedClock
) -> None:
    assert await _claim(db, clock, "2026-07")
    assert await count_months(db, clock, ["2026-07"]) is None
    clock.advance(minutes=6)
    assert await count_months(db, clock, ["2026-07"]) is not None, "who began it never came back"


async def test_an_old_month_is_counted_once_a_day(db: AsyncSession, clock: FixedClock, world: World) -> None:
    assert await count_months(db, clock, ["2025-01"]) is not None
    clock.advance(hours=3)
    assert not await _claim(db, clock, "2025-01") and await _claim(db, clock, "2026-07")
    clock.advance(days=1)
    assert await _claim(db, clock, "2025-01")
    ground = await find_ground(db, world.actor("city.leader"), Filters())
    assert (await stored_sums(db, ground, ["2025-01"]))[""] == NOTHING


def test_days_that_are_no_months_have_none() -> None:
    for written in ("2026-07-02..2026-07-31", "2026-07-01..2026-07-30", "2020-01-01..2024-12-31"):
        assert codes_of(parse_period(written)) == []
    assert codes_of(parse_period("2025-12-01..2026-02-28")) == ["2025-12", "2026-01", "2026-02"]
