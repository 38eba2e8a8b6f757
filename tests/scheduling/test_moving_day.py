"""A reception day moves to another date: all who are booked go along and are told, or nothing happens."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.policy import SYSTEM
from scheduling.booking.booking import Booking, BookingState
from scheduling.booking.bookings import (
    BookPublicly,
    PublicBooking,
    book_publicly,
    list_bookings,
    move_booking,
)
from scheduling.booking.engagements import engaged_by
from scheduling.booking.joint_answers import JointAnswer, answer_joint, answers_of
from scheduling.booking.proposing_slots import ProposeSlot, propose_slot
from scheduling.booking.reviewing import Review, review_booking
from scheduling.booking.slot import Slot
from scheduling.booking.slots import OpenSlots, list_free_slots, list_offered_slots, open_slots
from scheduling.calendars.entries import calendar_of
from scheduling.calendars.icalendar import write_calendar
from scheduling.notices.day_reminders import tell_of_day
from scheduling.notices.notice import Notice
from scheduling.reach import load_session
from scheduling.requests.own_bookings import BookOwn, book_own, cancel_own, list_own_times
from scheduling.rota.planning import cancel_day, publish_day, stand_in
from scheduling.rota.receiver import receivers_of
from scheduling.rota.reception_day import DayState, ReceptionDay
from scheduling.session import Session, SessionState
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.moving_day import MoveDay, MovedDay, move_day
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.scheduling.test_calendars import read
from tests.scheduling.test_engagements import arranged, seat
from tests.scheduling.test_own_bookings import told as case_and_code
from tests.scheduling.test_rota import DAY, LEADER, OWN, tomorrow
from tests.scheduling.test_telling import TELLING

LATER = date(2026, 7, 28)  # The Tuesday after.
FAR = date(2026, 9, 1)  # Six weeks ahead.


@pytest.fixture
async def day(db: AsyncSession, clock: FixedClock, world: World) -> ReceptionDay:
    """Published for tomorrow, nine to eleven, four slots; the units have been asked."""
    day = await tomorrow(db, clock, world)
    tell = partial(tell_of_day, db, clock, TELLING)
    await publish_day(db, clock, world.actor(OWN), day.id, tell)
    clock.advance(minutes=1)
    return day


async def slots_at(db: AsyncSession, clock: FixedClock, world: World, on: date = DAY) -> list[Slot]:
    begin = datetime.combine(on, time(), BEIJING)
    return list(await list_free_slots(db, clock, world.chengguan.id, begin, begin + timedelta(days=1), True))


async def book(db: AsyncSession, clock: FixedClock, slot: Slot, phone: str = "13900001111") -> PublicBooking:
    command = BookPublicly(slot.id, "张桂芳", phone, "供暖不热", "", insists=True)
    return await book_publicly(db, clock, command)


async def move(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay, on: date = LATER, **more: object
) -> MovedDay:
    command = MoveDay(day.id, on, **({"reason": "上级开会"} | more))  # type: ignore[arg-type]
    return await move_day(db, clock, world.actor(OWN), command, TELLING)


async def told(db: AsyncSession, since: datetime) -> list[Notice]:
    return list(await db.scalars(select(Notice).where(Notice.queued_at >= since).order_by(Notice.id)))


async def test_who_waits_and_who_is_arranged_go_along_and_everybody_is_told(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    slots = await slots_at(db, clock, world)
    waits = await book(db, clock, slots[0])
    await review_booking(db, clock, world.actor(OWN), Review(waits.booking.id, BookingState.APPROVED))
    city = world.actor("city.receptionist")
    await answer_joint(db, clock, city, waits.booking.id, world.city.id, JointAnswer.AGREED)
    fixed = await book(db, clock, slots[2], "13900002222")
    await move_booking(db, clock, world.actor(OWN), fixed.booking.id, BookingState.APPROVED)
    asked = Arrange(fixed.petition.id, world.chengguan.id, booking_id=fixed.booking.id, slot_id=slots[2].id)
    session = await arrange(db, clock, world.actor(OWN), asked)
    before, revision = await engaged_by(db, session.id), session.revision
    clock.advance(minutes=1)
    since = clock.now()
    moved = await move(db, clock, world, day, begins=time(14))
    assert (moved.bookings, moved.session_ids) == (2, [session.id])
    begin = datetime.combine(LATER, time(14), BEIJING)
    fresh = await db.get_one(ReceptionDay, day.id, populate_existing=True)
    assert (fresh.starts_at, fresh.ends_at, fresh.named_on) == (begin, begin + timedelta(hours=2), DAY)
    bookings = {each.id: each for each in await list_bookings(db, SYSTEM)}
    assert bookings[waits.booking.id].slot.starts_at == begin
    assert bookings[waits.booking.id].state is BookingState.APPROVED
    assert not await answers_of(db, waits.booking.id)  # They said yes to another day.
    sitting = await load_session(db, session.id)
    assert sitting.starts_at == begin + timedelta(hours=1) == bookings[fixed.booking.id].slot.starts_at
    assert (sitting.revision, await engaged_by(db, session.id)) == (revision + 1, before)
    assert len(await slots_at(db, clock, world, LATER)) == 2 and not await slots_at(db, clock, world)
    notices = await told(db, since)
    assert Counter(each.template for each in notices) == {
        "booking_day_moved": 1, "session_moved": 1, "attendance_moved": 1, "reception_day_moved": 3,
    }  # fmt: skip
    texts = {each.template: each.text for each in notices}
    old, new = (TELLING.when(each) for each in (slots[0].starts_at, begin))
    for part in (old, new, "上级开会", waits.petition.number, "取消、另约", "12345"):
        assert part in texts["booking_day_moved"], part
    assert f"原定{old}，原因：上级开会。有困难" in texts["attendance_moved"]
    assert world.housing.name in texts["attendance_moved"]
    [entry] = read(write_calendar(await calendar_of(db, clock, world.actor(LEADER))))
    assert (entry["DTSTART"], entry["SEQUENCE"], entry["STATUS"]) == (begin, 2, "CONFIRMED")
    assert "改期原因：上级开会" in entry["DESCRIPTION"]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_one_who_cannot_come_along_keeps_the_day_where_it_is(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    slots = await slots_at(db, clock, world)
    booked = await book(db, clock, slots[1])
    other, begin = (
        await make_petition(db, clock, world.chengguan),
        datetime.combine(LATER, time(9, 30), BEIJING),
    )
    leader = seat(world, LEADER)
    elsewhere = await arranged(db, clock, world, other, start=begin, invitees=(leader,))
    since = clock.now()
    with pytest.raises(Conflict) as caught:
        await move(db, clock, world, day)
    assert caught.value.code == "engaged" and world.officials[LEADER].name in caught.value.message
    fresh = await db.get_one(Booking, booked.booking.id, populate_existing=True)
    same = await db.get_one(ReceptionDay, day.id, populate_existing=True)
    assert (fresh.slot_id, same.starts_at, same.reason) == (slots[1].id, slots[0].starts_at, "")
    assert not [each for each in await told(db, since) if "moved" in each.template]
    await move_session(db, clock, SYSTEM, elsewhere.id, SessionState.CANCELLED, "不开了")
    assert (await move(db, clock, world, day)).bookings == 1


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_day_goes_only_where_it_can_be_held(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    taken = await tomorrow(db, clock, world, first_on=LATER, last_on=LATER, begins=time(10))
    wrong: list[tuple[type[RuleError], str, dict[str, object]]] = [
        (Conflict, "leader_engaged", {}), (Invalid, "same_time", {"on": DAY}),
        (Invalid, "in_the_past", {"on": date(2026, 7, 20)}),
        (Invalid, "not_working", {"on": date(2026, 7, 25)}),
        (Invalid, "too_far_ahead", {"on": date(2027, 7, 20)}),
        (Invalid, "ends_tomorrow", {"begins": time(22)}),
        (Invalid, "required", {"reason": " "}),
    ]  # fmt: skip
    for kind, code, more in wrong:
        with pytest.raises(kind) as caught:
            await move(db, clock, world, day, **more)  # type: ignore[arg-type]
        assert caught.value.code == code
    for who in ("xigu.receptionist", LEADER):
        with pytest.raises((Forbidden, NotFound)):
            await move_day(db, clock, world.actor(who), MoveDay(day.id, LATER, "开会"))
    await cancel_day(db, clock, world.actor(OWN), taken.id, "出差")
    with pytest.raises(Conflict, match="day_over"):
        await move(db, clock, world, taken, date(2026, 7, 29))
    assert (await move(db, clock, world, day)).bookings == 0
    clock.set(day.starts_at)
    with pytest.raises(Conflict, match="day_over"):
        await move(db, clock, world, day, date(2026, 7, 30))


async def test_a_day_comes_back_to_where_somebody_was_booked_once(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    """Slots that a history names are kept closed, those that were only proposed too; both are used again."""
    slots = await slots_at(db, clock, world)
    booked = await book(db, clock, slots[0])
    desk = world.actor(OWN)
    await propose_slot(
        db, clock, desk, ProposeSlot(booked.booking.id, world.chengguan.id, slots[1].id, "有会")
    )
    gone = await book(db, clock, slots[2], "13900002222")
    await move_booking(db, clock, desk, gone.booking.id, BookingState.CANCELLED)
    await move(db, clock, world, day)
    kept = set(await db.scalars(select(Slot.id).where(Slot.closed)))
    assert kept == {each.id for each in slots[:3]}
    await move(db, clock, world, day, DAY)
    held = await db.get_one(Booking, booked.booking.id, populate_existing=True)
    assert held.slot_id == slots[0].id and len(await slots_at(db, clock, world)) == 3
    assert not (await db.scalars(select(Slot).where(Slot.closed))).all()
    await move_booking(db, clock, desk, booked.booking.id, BookingState.CANCELLED)
    await cancel_day(db, clock, desk, day.id, "出差")
    assert (await db.get_one(ReceptionDay, day.id)).state is DayState.CANCELLED
    assert not (await db.scalars(select(Session))).all()


async def test_a_day_that_is_moved_beyond_two_weeks_stays_on_offer(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    """Whoever waits for this leader found no time any more; ordinary slots are offered for two weeks."""
    booked = await book(db, clock, (await slots_at(db, clock, world))[0])
    await move(db, clock, world, day, FAR)
    begin = datetime.combine(FAR, time(14), BEIJING)
    await open_slots(db, clock, SYSTEM, OpenSlots(day.room_id, begin, begin + timedelta(hours=1)))
    offered = await list_offered_slots(db, clock, world.chengguan.id, True)
    free = await slots_at(db, clock, world, FAR)
    assert len(free) == 5 and {slot.id for slot in offered} == {slot.id for slot in free[:3]}
    assert {each.name for each in (await receivers_of(db, offered)).values()} == {day.receives.name}
    petition, code = await case_and_code(db, clock, world)
    own = await list_own_times(db, clock, petition)
    assert [slot.id for slot in own] == [slot.id for slot in offered]
    again = await book_own(db, clock, BookOwn(petition.number, code, own[0].id))
    assert again.slot.reception_day_id == day.id != booked.booking.id


async def test_who_took_a_leader_s_time_hears_who_receives_instead(
    db: AsyncSession, clock: FixedClock, world: World, day: ReceptionDay
) -> None:
    first, second = (await slots_at(db, clock, world))[:2]
    booked = await book(db, clock, first)
    gone = await book(db, clock, second, "13900002222")
    await cancel_own(db, clock, gone.petition.number, gone.query_code)
    clock.advance(minutes=1)
    since, other = clock.now(), world.officials[OWN]
    tell = partial(tell_of_day, db, clock, TELLING)
    await stand_in(db, clock, world.actor(OWN), day.id, other.id, tell)
    [text] = [each.text for each in await told(db, since) if each.template == "booking_receiver_changed"]
    for part in (f"改由{other.name}接访", TELLING.when(first.starts_at), booked.petition.number):
        assert part in text, part
