"""Reception days of the demonstration's leaders: a quarter ahead, the next ones open to the public."""

from __future__ import annotations

import contextlib
from datetime import time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.errors import Conflict
from cases.people import Official
from cases.policy import SYSTEM
from scheduling.booking.slots import create_room
from scheduling.rota.planning import AddRule, add_rule, plan_days, publish_day
from scheduling.rota.reception_day import DayState, ReceptionDay, ReceptionMode, RotaRule
from scheduling.rota.recurrence import Pattern, Recurrence
from web.demo.people import LEADERS

# Thursdays for the district, Tuesdays of the first and third week for the city.
RECURRENCES = (
    Recurrence(Pattern.WEEKLY, weekday=3),
    Recurrence(Pattern.MONTHLY_WEEKS, weekday=1, weeks=(1, 3)),
)
PUBLISHED = 2


async def seed_rota(db: AsyncSession, clock: Clock) -> None:
    """Once the rules, at each start the days that have come nearer."""
    today = clock.now().astimezone(BEIJING).date()
    for person, recurrence in zip(LEADERS, RECURRENCES, strict=True):
        leader = (await db.scalars(select(Official).where(Official.username == person.username))).one()
        if await db.scalar(select(RotaRule.id).where(RotaRule.leader_id == leader.id).limit(1)):
            continue
        office = leader.posts[0].organisation
        room = await create_room(db, clock, SYSTEM, office.id, "领导接访室")
        await add_rule(
            db,
            clock,
            SYSTEM,
            AddRule(
                office.id, leader.id, room.id, ReceptionMode.FIXED_PLACE, recurrence,
                time(9), time(11, 30), today,
            ),  # fmt: skip
        )
    await plan_days(db, clock)
    for person in LEADERS:
        leader_id = select(Official.id).where(Official.username == person.username).scalar_subquery()
        coming = select(ReceptionDay).where(
            ReceptionDay.leader_id == leader_id, ReceptionDay.starts_at > clock.now()
        )
        found = (await db.scalars(coming.order_by(ReceptionDay.starts_at).limit(PUBLISHED))).unique().all()
        for day in found:
            if day.state is DayState.PLANNED:
                with contextlib.suppress(Conflict):  # Slots of somebody else lie in it.
                    await publish_day(db, clock, SYSTEM, day.id)
