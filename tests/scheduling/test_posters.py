"""Posters are counted by day and taken back alone."""

from __future__ import annotations

import asyncio

from cases.database import Database
from cases.policy import SYSTEM
from scheduling.arrival.poster import (
    PosterUse,
    Uses,
    add_poster,
    count_use,
    list_posters,
    uses_of,
    withdraw_poster,
)
from tests.clock import FixedClock
from tests.factories import World


async def test_many_scans_at_once_are_all_counted(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        poster = await add_poster(db, clock, SYSTEM, world.chengguan.id, "大厅")

    async def scan() -> None:
        async with database.session() as db:
            await count_use(db, clock, poster.code, PosterUse.OPENED)

    await asyncio.gather(*(scan() for _ in range(8)))
    clock.advance(days=40)
    await scan()
    async with database.session() as db:
        await withdraw_poster(db, clock, SYSTEM, poster.id)
        await count_use(db, clock, poster.code, PosterUse.OPENED)  # Hangs no more.
        second = await add_poster(db, clock, SYSTEM, world.chengguan.id, "窗口")
        assert [each.id for each in await list_posters(db, [world.chengguan.id])] == [second.id, poster.id]
        told = await uses_of(db, clock, [poster.id])
    assert told[poster.id][PosterUse.OPENED] == Uses(1, 9)
    assert told[poster.id][PosterUse.BOOKED] == Uses()


