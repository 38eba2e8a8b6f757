"""Figures at their edges: midnight, the last day itself, the fifth rating, and what is in no sum at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionClass
from cases.database import new_id
from cases.errors import Invalid
from cases.figures.indicator import INDICATORS, figure
from cases.figures.listing import list_counted
from cases.figures.months import NOW, count_months
from cases.figures.period import parse_period
from cases.figures.scope import Filters, find_ground
from cases.figures.sums import NOTHING, sum_up
from cases.handling.clocks import RIGHTS, PetitionClock, start_clock, today
from cases.handling.taking import take_step
from cases.petition_rating import FEWEST, PetitionRating, Rated
from tests.clock import FixedClock
from tests.factories import World, make_petition

JULY = parse_period("2026-07")
LEADER = "city.leader"


async def sums(
    db: AsyncSession, clock: FixedClock, world: World, who: str = LEADER, **asked: str
) -> dict[str, int]:
    ground = await find_ground(db, world.actor(who), Filters(**asked))  # type: ignore[arg-type]
    return dict(await sum_up(db, ground, JULY, today(clock)))


async def clock_row(db: AsyncSession, petition: PetitionCase, duty: str, met_on: date | None = None) -> None:
    """The one clock of a case, with today as its last day."""
    day = date(2026, 7, 22)
    clock = update(PetitionClock).where(PetitionClock.petition_id == petition.id)
    await db.execute(clock.values(duty=duty, raw_on=day, rolled_on=day, met_on=met_on))


async def test_a_duty_done_on_its_last_day_is_kept_and_one_that_runs_out_today_says_nothing_yet(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    day = today(clock)
    for met, due, kept, late in (
        (day, 1, 1, 0),
        (day + timedelta(days=1), 1, 0, 0),
        (None, 0, 0, 0),
    ):
        await clock_row(db, petition, "handle", met_on=met)
        found = await sums(db, clock, world)
        assert (found["handle_due"], found["handle_kept"], found["overdue_now"]) == (due, kept, late), met
    clock.advance(days=1)
    found = await sums(db, clock, world)
    assert (found["handle_due"], found["handle_kept"], found["overdue_now"]) == (1, 0, 1)
    await clock_row(db, petition, RIGHTS[0])
    assert (await sums(db, clock, world))["running_now"] == 0, "a right of the petitioner is nobody's duty"


async def test_midnight_in_beijing_begins_the_next_month(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    for at, counted in (
        (datetime(2026, 6, 30, 16, tzinfo=UTC), 1),
        (datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 7, 31, 15, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 7, 31, 16, tzinfo=UTC), 0),
    ):
        await db.execute(update(PetitionCase).where(PetitionCase.id == petition.id).values(registered_at=at))
        assert (await sums(db, clock, world))["registered"] == counted, at


async def test_what_is_secret_or_accuses_is_in_no_sum(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await make_petition(db, clock, world.chengguan)
    await make_petition(db, clock, world.chengguan, "密的", confidential=True)
    await make_petition(db, clock, world.city, "检举", class_=PetitionClass.ACCUSATION)
    await make_petition(db, clock, world.city, "不满", accused_organisation_id=world.chengguan.id)
    assert (await sums(db, clock, world))["registered"] == 1
    rows, total = await list_counted(db, today(clock), world.actor(LEADER), "registered", JULY, Filters())
    assert total == len(rows) == 1


async def test_each_counts_where_it_reaches(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    given = {"class": "claim", "way": "handle", "words": "修屋顶", "unit": world.housing.id}
    for step in ("classify", "forward"):
        await take_step(db, clock, world.actor("chengguan.receptionist"), petition.id, step, given)
    for who, asked, counted in (
        ("xigu.leader", {}, 0),
        ("chengguan.leader", {}, 1),
        ("housing.handler", {}, 1),
        ("housing.handler", {"region": "620104"}, 0),
        (LEADER, {"region": "620102"}, 1),
        (LEADER, {"region": "620104"}, 0),
        ("xigu.leader", {"region": "620102"}, 0),
    ):
        assert (await sums(db, clock, world, who, **asked))["registered"] == counted, (who, asked)


async def test_a_rating_counts_from_the_day_after(db: AsyncSession, clock: FixedClock, world: World) -> None:
    """What changes in a sum within a day would tell who has just rated."""
    petition = await make_petition(db, clock, world.chengguan)
    done = update(PetitionCase).where(PetitionCase.id == petition.id)
    await db.execute(done.values(concluded_on=today(clock)))
    db.add(
        PetitionRating(
            id=new_id(), petition_id=petition.id, rated=Rated.UNIT, organisation_id=world.chengguan.id,
            score=5, number=1, at=clock.now(),
        )
    )  # fmt: skip
    await db.commit()
    found = await sums(db, clock, world)
    assert (found["concluded"], found["rated"], found["unit_rated"]) == (1, 0, 0)
    clock.advance(days=1)
    assert (await sums(db, clock, world))["unit_satisfied"] == 1


def test_the_fifth_rating_is_told_and_halves_go_up() -> None:
    rate, share = INDICATORS["rated_satisfaction"], INDICATORS["on_time_rate"]
    one = {**NOTHING, "unit_satisfied": 1}
    told = {n: figure(rate, {**one, "unit_rated": n}) for n in (0, FEWEST - 1, FEWEST)}
    assert [told[n].value for n in told] == [None, None, Decimal("20.00")]
    assert [told[n].too_few for n in told] == [False, True, False]
    assert figure(share, {**NOTHING, "handle_due": 32, "handle_kept": 1}).value == Decimal("3.13")


async def test_a_counting_of_five_minutes_still_stands_and_an_unfinished_one_is_none(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    first = clock.now()
    assert await count_months(db, clock, [NOW]) == first
    await make_petition(db, clock, world.chengguan)
    clock.advance(minutes=5)
    assert await count_months(db, clock, [NOW]) == first
    clock.advance(minutes=1)
    assert await count_months(db, clock, [NOW]) == clock.now()


def test_ten_years_are_the_longest() -> None:
    assert parse_period("2016-01-01..2026-01-07").first == date(2016, 1, 1)
    with pytest.raises(Invalid) as caught:
        parse_period("2016-01-01..2026-01-08")
    assert caught.value.code == "period_too_long"


async def test_a_case_with_two_duties_is_two_rows_of_the_list(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """As it is two in the sum: a list is as long as the figure that leads to it."""
    await make_petition(db, clock, world.chengguan)
    petition = await make_petition(db, clock, world.chengguan)
    await start_clock(db, clock, petition, "handle", today(clock), world.chengguan.id)
    running = (await sums(db, clock, world))["running_now"]
    rows, total = await list_counted(db, today(clock), world.actor(LEADER), "running_now", JULY, Filters())
    assert running == total == len(rows) == 3
    assert {each.clock.duty for each in rows if each.petition.id == petition.id and each.clock} == {
        "register_route", "handle",
    }  # fmt: skip
