"""Both sides are told, once, while there is time, that the court can be asked to confirm what they agreed."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.mediation.board import list_events
from cases.mediation.mediating import take_mediation_step
from scheduling.notices.court_reminder import remind_of_court
from scheduling.notices.notice import Notice
from tests.cases.mediation.test_court_door import agreed
from tests.clock import FixedClock
from tests.factories import World
from tests.mediations import KEEPER
from tests.scheduling.test_telling import TELLING


async def reminders(db: AsyncSession) -> list[Notice]:
    found = await db.scalars(select(Notice).where(Notice.template == "court_reminder"))
    return list(found.all())


async def test_a_week_before_the_last_day_both_sides_are_told_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made = await agreed(db, clock, world)
    clock.advance(days=22)
    assert await remind_of_court(db, clock, TELLING) == 0 and not await reminders(db)
    clock.advance(days=1)
    assert await remind_of_court(db, clock, TELLING) == 1
    told = await reminders(db)
    assert len(told) == len(made.parties) >= 2 and made.number in told[0].text and "司法确认" in told[0].text
    assert "提醒" in (await list_events(db, made.id))[-1].words
    assert await remind_of_court(db, clock, TELLING) == 0 and len(await reminders(db)) == len(told)


@pytest.mark.parametrize("case", ["confirmed", "spoken", "over"])
async def test_nobody_is_told_of_what_the_court_is_not_asked_any_more(
    db: AsyncSession, clock: FixedClock, world: World, case: str
) -> None:
    made = await agreed(db, clock, world, **({"spoken": "yes"} if case == "spoken" else {}))
    if case == "confirmed":
        await take_mediation_step(db, clock, world.actor(KEEPER), made.id, "confirm", "（2026）甘0102民特1号")
    clock.advance(days=31 if case == "over" else 25)
    assert await remind_of_court(db, clock, TELLING) == 0 and not await reminders(db)
