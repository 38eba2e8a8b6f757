"""A reception day is reminded of five working days ahead and one: once each, of the date that holds."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.deadlines.in_force import CalendarInForce, LocalRest, hold_calendar
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.slot import Slot
from scheduling.notices.attendance import set_duty_phone
from scheduling.notices.day_reminders import due_ahead, remind_of_days, tell_of_day
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.notice import Notice, NoticeAddress, NoticeChannel, NoticeDraft
from scheduling.rota.planning import cancel_day, publish_day, stand_in
from scheduling.rota.reception_day import ReceptionDay
from tests.clock import FixedClock
from tests.factories import World
from tests.scheduling.test_rota import LEADER, OWN, tomorrow
from tests.scheduling.test_telling import TELLING

FAR = {"first_on": date(2026, 8, 6), "last_on": date(2026, 8, 6)}  # A Thursday; today is Wednesday 22 July.
EACH = {"reception_day_leader", "reception_day_substitute", "reception_day_briefing", "attendance_reminder"}


async def published(db: AsyncSession, clock: FixedClock, world: World, **more: object) -> ReceptionDay:
    day = await tomorrow(db, clock, world, **(FAR | more))
    await publish_day(db, clock, world.actor(OWN), day.id, partial(tell_of_day, db, clock, TELLING))
    clock.advance(minutes=1)
    return day


async def notices(db: AsyncSession, since: int = 0) -> list[Notice]:
    query = select(Notice).order_by(Notice.queued_at, Notice.id)
    return list((await db.scalars(query)).all())[since:]


def at(clock: FixedClock, day: date, hour: int, minute: int = 0) -> None:
    """Let it be that moment in Beijing."""
    wanted = datetime.combine(day, time(hour, minute), BEIJING)
    clock.advance(seconds=(wanted - clock.now()).total_seconds())


async def test_everybody_of_the_day_is_reminded_at_five_working_days_and_at_one_once_each(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = await published(db, clock, world)
    assert [each.template for each in await notices(db)] == ["attendance_asked"]
    at(clock, date(2026, 7, 30), 8, 29)  # Five working days before: Thursday a week ahead.
    assert await remind_of_days(db, clock, TELLING) == 0
    for phone, whose in (("13800001111", world.officials[LEADER].id), ("0931-8456789", world.chengguan.id)):
        await set_duty_phone(db, clock, SYSTEM, day.id, whose, phone)
    clock.advance(minutes=1)
    assert await remind_of_days(db, clock, TELLING) == 4 and await remind_of_days(db, clock, TELLING) == 0
    told = {each.template: each for each in await notices(db, 1)}
    assert set(told) == EACH
    leader, name = told["reception_day_leader"], world.officials[LEADER].name
    assert leader.channel is NoticeChannel.SMS and name in leader.text and "已预约 0 批" in leader.text
    assert told["reception_day_briefing"].channel is NoticeChannel.TELEPHONE
    assert told["reception_day_substitute"].channel is NoticeChannel.PAPER
    assert world.officials[OWN].name in told["reception_day_substitute"].text
    assert world.housing.name in told["attendance_reminder"].text
    at(clock, date(2026, 8, 5), 8, 29)
    assert await remind_of_days(db, clock, TELLING) == 0
    slots = await first_slot(db, day)
    await book_publicly(db, clock, BookPublicly(slots, "张桂芳", "13900001111", "供暖不热", ""))
    clock.advance(minutes=1)
    assert await remind_of_days(db, clock, TELLING) == 4 and await remind_of_days(db, clock, TELLING) == 0
    assert Counter(each.template for each in await notices(db, 5)) == Counter(EACH)
    assert any("已预约 1 批" in each.text for each in await notices(db, 5))
    clock.advance(days=2)
    assert await remind_of_days(db, clock, TELLING) == 0


async def first_slot(db: AsyncSession, day: ReceptionDay) -> str:
    query = select(Slot.id).where(Slot.reception_day_id == day.id).order_by(Slot.starts_at).limit(1)
    return str(await db.scalar(query))


async def test_working_days_are_counted_over_holidays_of_country_and_region(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """9 October 2026 is a Friday after seven days of rest, and the week before has a festival, too."""
    day = await tomorrow(db, clock, world, first_on=date(2026, 10, 9), last_on=date(2026, 10, 9))
    falls = day.starts_at.astimezone(BEIJING).date()
    assert falls == date(2026, 10, 9)

    def first(ahead: int) -> date:
        moments = (falls - timedelta(days=n) for n in range(1, 30))
        nine = [each for each in moments if due_ahead(day, datetime.combine(each, time(9), BEIJING)) == ahead]
        return min(nine)

    assert (first(1), first(5)) == (date(2026, 10, 8), date(2026, 9, 24)), (first(1), first(5))
    rest = LocalRest("6201", {date(2026, 10, 8): "地方假日"})
    hold_calendar(CalendarInForce((), [rest]))
    try:
        assert first(1) == date(2026, 9, 30)
    finally:
        hold_calendar(CalendarInForce())


async def test_a_day_that_moves_is_reminded_of_anew_and_what_waits_of_the_old_date_lapses(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = await published(db, clock, world)
    at(clock, date(2026, 7, 30), 9)
    await remind_of_days(db, clock, TELLING)
    day.starts_at, day.ends_at = (each + timedelta(days=7) for each in (day.starts_at, day.ends_at))
    await db.commit()
    assert await remind_of_days(db, clock, TELLING) == 0
    at(clock, date(2026, 8, 6), 9)
    assert await remind_of_days(db, clock, TELLING) == 4
    await deliver_notices(db, clock, TELLING.envelope, None)
    waiting = set(await db.scalars(select(NoticeDraft.notice_id)))
    [asked, *old] = (await notices(db))[:5]
    assert {each.id for each in await notices(db, 5)} == waiting - {asked.id}  # Of the new date alone.
    assert len(old) == 4


async def test_who_receives_instead_is_told_at_once_and_a_day_that_is_off_reminds_nobody(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await published(db, clock, world), world.actor(OWN)
    tell = partial(tell_of_day, db, clock, TELLING)
    await stand_in(db, clock, own, day.id, world.officials[OWN].id, tell)
    changed = await notices(db, 1)
    kinds = Counter(each.template for each in changed)
    assert kinds == {"attendance_changed": 1, "reception_day_changed": 3}
    assert all(world.officials[OWN].name in each.text for each in changed)
    at(clock, date(2026, 7, 30), 9)
    assert await remind_of_days(db, clock, TELLING) == 4
    texts = {each.template: each.text for each in await notices(db, 5)}
    assert world.officials[OWN].name in texts["reception_day_leader"]
    assert world.officials[LEADER].name in texts["reception_day_substitute"]
    clock.advance(minutes=1)
    await cancel_day(db, clock, own, day.id, "上级开会", tell)
    off = await notices(db, 9)
    assert Counter(each.template for each in off) == {"attendance_cancelled": 1, "reception_day_cancelled": 3}
    await deliver_notices(db, clock, TELLING.envelope, None)
    assert set(await db.scalars(select(NoticeDraft.notice_id))) == {each.id for each in off}
    at(clock, date(2026, 8, 5), 9)
    assert await remind_of_days(db, clock, TELLING) == 0


async def test_a_day_published_late_is_told_to_people_at_once_and_to_units_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    at(clock, date(2026, 8, 5), 10)
    await published(db, clock, world)
    assert await remind_of_days(db, clock, TELLING) == 3
    kinds = Counter(each.template for each in await notices(db))
    assert kinds == Counter(EACH - {"attendance_reminder"} | {"attendance_asked"})


@pytest.mark.parametrize("phone", ["13800009999", ""])
async def test_numbers_of_who_receives_are_noted_and_taken_away(
    db: AsyncSession, clock: FixedClock, world: World, phone: str
) -> None:
    day = await tomorrow(db, clock, world)
    for number in ("13800001111", phone):
        await set_duty_phone(db, clock, world.actor(OWN), day.id, world.officials[LEADER].id, number)
    at(clock, date(2026, 7, 22), 9) if clock.now().astimezone(BEIJING).hour < 9 else None
    await publish_day(db, clock, world.actor(OWN), day.id)
    await remind_of_days(db, clock, TELLING)
    found = await db.scalar(
        select(NoticeAddress.recipient)
        .join(Notice, Notice.id == NoticeAddress.notice_id)
        .where(Notice.template == "reception_day_leader")
    )
    assert (found or "") == phone
