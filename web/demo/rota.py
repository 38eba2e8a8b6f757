"""Reception days of the demonstration's leaders: a quarter ahead, the next ones open to the public."""

from __future__ import annotations

import contextlib
from datetime import time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.errors import Conflict
from cases.organisations import Organisation
from cases.people import Official
from cases.policy import SYSTEM
from scheduling.booking.slots import create_room
from scheduling.notices.attendance import AttendanceNotice, DutyPhone, set_duty_phone, tell_units
from scheduling.notices.telling import Telling
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
# Who must be there, by short name, and at which telephone: a message, a call, and a slip where none is known.
ATTENDING = (("城关区住建局", "酒泉路街道"), ("城关区住建局", "西固区住建局"))
DUTY_PHONES = {"城关区住建局": "13893100051", "酒泉路街道": "0931-0000003"}


async def seed_attendance(db: AsyncSession, clock: Clock, telling: Telling) -> None:
    """Duty telephones, and what units were told of the days that stand open; once for each day."""
    told = select(AttendanceNotice.reception_day_id)
    days = select(ReceptionDay).where(ReceptionDay.state == DayState.PUBLISHED, ReceptionDay.id.not_in(told))
    for day in (await db.scalars(days.order_by(ReceptionDay.starts_at))).unique().all():
        for name, phone in DUTY_PHONES.items():
            [unit] = await _units(db, (name,))
            if unit in day.required_ids and await db.get(DutyPhone, unit) is None:
                await set_duty_phone(db, clock, SYSTEM, day.id, unit, phone)
        await tell_units(db, clock, telling, day, "attendance_asked")
        await db.commit()


async def _units(db: AsyncSession, names: tuple[str, ...]) -> tuple[str, ...]:
    query = select(Organisation.short_name, Organisation.id).where(Organisation.short_name.in_(names))
    found = {name: unit for name, unit in await db.execute(query)}
    return tuple(found[name] for name in names)


async def seed_rota(db: AsyncSession, clock: Clock) -> None:
    """Once the rules, at each start the days that have come nearer."""
    today = clock.now().astimezone(BEIJING).date()
    for person, recurrence, units in zip(LEADERS, RECURRENCES, ATTENDING, strict=True):
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
                time(9), time(11, 30), today, required_ids=await _units(db, units),
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
