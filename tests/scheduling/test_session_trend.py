"""The year behind the figures of receptions: passed months are remembered, the one that runs is not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.figures.period import parse_period
from cases.figures.scope import Filters, find_ground
from scheduling.afterwards.session_trend import Trend
from scheduling.session import Session
from tests.clock import FixedClock
from tests.factories import World, make_session

MAY, JULY = datetime(2026, 5, 6, 9, tzinfo=BEIJING), datetime(2026, 7, 21, 9, tzinfo=BEIJING)
MONTHS = [parse_period(code) for code in ("2026-05", "2026-06", "2026-07")]


async def _add(db: AsyncSession, clock: FixedClock, world: World, at: datetime) -> None:
    made = await make_session(db, clock, world)
    await db.execute(update(Session).where(Session.id == made.id).values(starts_at=at, opened_at=at))
    await db.commit()


async def test_a_month_that_has_passed_is_counted_again_after_some_minutes_and_one_that_runs_at_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    ground = await find_ground(db, world.actor("city.leader"), Filters())
    trend = Trend(clock)
    for at in (MAY, JULY):
        await _add(db, clock, world, at)
    first = {"2026-05": (1, 1), "2026-06": (0, 0), "2026-07": (1, 1)}
    assert await trend.read(db, ground, MONTHS) == first
    for at in (MAY, JULY):
        await _add(db, clock, world, at)
    assert await trend.read(db, ground, MONTHS) == first | {"2026-07": (2, 2)}
    elsewhere = await find_ground(db, world.actor("city.leader"), Filters(office_id=world.city.id))
    assert (await trend.read(db, elsewhere, MONTHS))["2026-05"] == (0, 0), "what others asked is not told"
    clock.advance(minutes=5)
    assert await trend.read(db, ground, MONTHS) == {"2026-05": (2, 2), "2026-06": (0, 0), "2026-07": (2, 2)}
