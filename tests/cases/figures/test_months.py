"""Months counted beforehand say what counting says, grow old, and are counted by one asker alone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionClass
from cases.database import Database
from cases.figures.months import FRESH, NOW, _claim, _stale, codes_of, count_changed, count_months
from cases.figures.period import months_back, parse_period
from cases.figures.scope import Filters, find_ground
from cases.figures.stored import stored_sums, stored_topics, stored_trend
from cases.figures.sums import NOTHING, Dimension, add_up, sum_by, sum_up
from cases.figures.topics import list_topics, rank_topics
from cases.handling.clocks import today
from cases.petition_rating import PetitionRating, Rated
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


async def test_what_has_changed_is_counted_anew_and_by_one_alone(
    database: Database, db: AsyncSession, clock: FixedClock, world: World
) -> None:
    code = [each.code for each in months_back(today(clock), 1)]
    ground = await find_ground(db, world.actor("city.leader"), Filters())

    async def registered() -> int:
        await count_months(db, clock, code)
        return (await stored_sums(db, ground, code))[""]["registered"]

    begun = clock.now()
    assert await registered() == 0
    clock.advance(minutes=1)
    assert await count_months(db, clock, code) == clock.now(), "nothing has changed: it stands as of now"
    await make_petition(db, clock, world.chengguan)
    assert await registered() == 0 and await count_months(db, clock, code) == begun, "not too old yet"
    clock.advance(minutes=6)
    assert await registered() == 1
    async with database.session() as other:
        taken = [await _claim(each, clock, code[0], FRESH - FRESH) for each in (db, other)]
        assert taken == [False, False], "counted this very moment"
        clock.advance(minutes=6)
        assert [await _claim(db, clock, code[0], FRESH), await _claim(other, clock, code[0], FRESH)] == [
            True,
            False,
        ]


async def test_the_task_beside_the_pages_counts_what_has_changed_until_nothing_is_left(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    async def count() -> int:
        rounds = 0
        while await count_changed(db, clock, timedelta(seconds=30)):
            rounds += 1
        return rounds

    assert await count() == 25, "two years, and what runs now"
    clock.advance(minutes=1)
    assert await count() == 0
    petition = await make_petition(db, clock, world.chengguan)
    assert await count() == 2, "its month, and what runs now"
    assert await count() == 0
    clock.advance(minutes=1)
    ground = await find_ground(db, world.actor("city.leader"), Filters())
    for change in (
        "UPDATE petitions SET channel = 'sms'",
        "UPDATE petitions SET concluded_on = '2024-02-29', conclusion = 'explain'",
        "UPDATE petition_clocks SET met_on = '2026-07-22'",
    ):
        await db.execute(text(change))
        await db.commit()
        assert await count(), change
        clock.advance(minutes=1)
    sums = await stored_sums(db, ground, ["2024-02", "2026-07"])
    live = [await sum_up(db, ground, parse_period(code), today(clock)) for code in ("2024-02", "2026-07")]
    assert {**sums[""], "running_now": 0} == {**add_up(live), "running_now": 0}
    assert sums[""]["concluded"] == 1 and sums[""]["registered"] == 1
    # A rating of an old month shows from the next day on.
    db.add(
        PetitionRating(
            petition_id=petition.id, rated=Rated.UNIT, organisation_id=world.housing.id, score=4, number=1,
            at=clock.now(),
        )
    )  # fmt: skip
    await db.commit()
    assert not await count(), "not on its day"
    clock.advance(days=1)
    assert await count() and (await stored_sums(db, ground, ["2024-02"]))[""]["unit_rated"] == 1
    clock.advance(minutes=1)
    await db.execute(text("UPDATE petitions SET confidential = true"))
    await db.commit()
    assert await count() >= 3 and (await stored_sums(db, ground, ["2024-02", "2026-07"]))[""] == NOTHING
    assert petition.number


async def test_who_finds_a_first_counting_begun_is_told_to_count_himself(
    db: AsyncSession, clock: FixedClock
) -> None:
    assert await _claim(db, clock, "2026-07", FRESH)
    assert await count_months(db, clock, ["2026-07"]) is None
    clock.advance(minutes=6)
    assert await count_months(db, clock, ["2026-07"]) is not None, "who began it never came back"


async def test_a_new_day_counts_anew_what_may_have_become_late_and_nothing_else(
    db: AsyncSession, clock: FixedClock
) -> None:
    assert await count_months(db, clock, ["2025-01", "2026-07", NOW]) is not None
    clock.advance(days=1)
    assert await _stale(db, clock, ["2025-01", "2026-07", "2026-08", NOW]) == ["2026-07", "2026-08", NOW]


def test_days_that_are_no_months_have_none() -> None:
    for written in ("2026-07-02..2026-07-31", "2026-07-01..2026-07-30", "2020-01-01..2024-12-31"):
        assert codes_of(parse_period(written)) == []
    assert codes_of(parse_period("2025-12-01..2026-02-28")) == ["2025-12", "2026-01", "2026-02"]
