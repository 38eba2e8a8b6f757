"""The figures published for Lanzhou come out of whole cases by the queries of the page, on both databases."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from cases.figures.indicator import figures
from cases.figures.listing import list_counted
from cases.figures.measure import MEASURES, SUMS_ONLY
from cases.figures.reading import read_figures
from cases.figures.scope import Filters
from cases.figures.sums import add_up
from tests.clock import FixedClock
from tests.factories import World
from web.demo.source_figures import PERIOD, SURVEYED, seed_source_figures

TODAY = date(2026, 7, 22)


async def test_the_published_figures_come_out_again(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    assert await seed_source_figures(db) and not await seed_source_figures(db)
    leader = world.actor("city.leader")
    reading = await read_figures(db, clock, leader, PERIOD, Filters())
    found = figures(reading.sums)
    assert found["avg_handle_days"].value == Decimal("33.97")
    assert found["timely_route_rate"].value == found["timely_accept_rate"].value == Decimal("100.00")
    assert found["on_time_rate"].value == Decimal("100.00")
    assert found["rated_satisfaction"].value == Decimal("88.66")
    resolution = found["resolution_rate"]
    assert (resolution.numerator, resolution.denominator) == (418, 708) and SURVEYED == 708
    assert resolution.value is not None and round(resolution.value, 1) == Decimal("59.0")
    # What is told apart adds up to the whole, and what is counted is the list of just those.
    for groups in (reading.channels.values(), reading.classes.values(), [p.sums for p in reading.districts]):
        assert add_up(list(groups)) == reading.sums
    months = [sums for code, sums in reading.trend.items() if code >= "2021-01"]
    assert sum(sums["concluded"] for sums in months) == 1000 and len(reading.trend) == 12
    for name in sorted(set(MEASURES) - SUMS_ONLY - {"handling_days"}):
        rows, total = await list_counted(db, TODAY, leader, name, PERIOD, Filters(), limit=200)
        assert total == reading.sums[name] and len(rows) == min(total, 200), name
    late = await list_counted(db, TODAY, leader, "surveyed", PERIOD, Filters(), other="resolved")
    assert late[1] == 708 - 418
    assert {topic.title for topic in reading.topics} >= {"供暖和供水", "拖欠工资"}
