"""What pages of the calendar are about: a published reception day of 城关区 with a booking that waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.equipment import add_equipment
from scheduling.booking.slot import Slot
from scheduling.booking.slots import create_room
from scheduling.rota.planning import AddRule, add_rule, publish_day
from scheduling.rota.reception_day import ReceptionDay, ReceptionMode
from scheduling.rota.recurrence import Pattern, Recurrence
from tests.web.conftest import House


async def publish_rota(db: AsyncSession, house: House) -> tuple[str, Sequence[Slot]]:
    """(day_id, its slots): the leader receives tomorrow; all three tiers have a room."""
    world, clock = house.world, house.clock
    room = await create_room(db, clock, SYSTEM, world.chengguan.id, "领导接访室")
    for office, name in ((world.city, "市视频室"), (world.province, "省视频室")):
        await create_room(db, clock, SYSTEM, office.id, name)
    await add_equipment(db, clock, SYSTEM, world.chengguan.id, "document_camera", "一号展台")
    rule = AddRule(
        world.chengguan.id, world.officials["chengguan.leader"].id, room.id, ReceptionMode.FIXED_PLACE,
        Recurrence(Pattern.WEEKLY, weekday=3), time(9), time(11), clock.now().date() + timedelta(days=1),
        substitute_id=world.officials["chengguan.receptionist"].id, required_ids=(world.housing.id,),
        duties="副区长，分管住建、城管",
    )  # fmt: skip
    await add_rule(db, clock, SYSTEM, rule)
    day_id = await db.scalar(select(ReceptionDay.id).order_by(ReceptionDay.starts_at).limit(1))
    assert day_id is not None
    return day_id, await publish_day(db, clock, SYSTEM, day_id)


async def arrange_rota(db: AsyncSession, house: House, subject: str = "小区供暖不热") -> tuple[str, str]:
    """(day_id, booking_id): such a day, and somebody wants to come."""
    day_id, slots = await publish_rota(db, house)
    wish = BookPublicly(slots[0].id, "张桂芳", "13900001111", subject, "三个月了。", insists=True)
    booked = await book_publicly(db, house.clock, wish)
    return day_id, booked.booking.id
