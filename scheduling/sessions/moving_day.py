"""Moving a reception day to another date: whoever is booked goes along in the same order, and is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import BEIJING, Clock, chinese_date
from cases.database import atomic
from cases.deadlines.in_force import calendar_of
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean_text
from cases.petitions import add_petition_event
from cases.policy import Action, Actor, require
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.engagements import ResourceKind, refuse_engaged_slot, take_turn
from scheduling.booking.joint_answers import JointAnswerRow
from scheduling.booking.slot import Slot
from scheduling.booking.slots import drop_slots
from scheduling.notices.day_reminders import tell_of_day
from scheduling.notices.telling import Telling, tell_of_moved_day
from scheduling.rota.planning import AHEAD, cut_slots, owned_day, refuse_double_day, slots_of, touch
from scheduling.rota.reception_day import DayState, ReceptionDay
from scheduling.session import Session, SessionState
from scheduling.sessions.moving import MoveSession, give_new_time, rebook


@dataclass(frozen=True, slots=True)
class MoveDay:
    """Command: the day is held on `on` instead; `begins` is a civil time of Beijing (None: as before)."""

    day_id: str
    on: date
    reason: str
    begins: time | None = None


@dataclass(frozen=True, slots=True)
class MovedDay:
    """The day, how many bookings went along, and the ids of those of their sessions that were arranged."""

    day: ReceptionDay
    bookings: int
    session_ids: Sequence[str]


@atomic
async def move_day(
    db: AsyncSession, clock: Clock, actor: Actor, command: MoveDay, telling: Telling | None = None
) -> MovedDay:
    """Move the day with its slots, bookings and sessions, and commit: all of them, or none.

    With `telling` petitioners, units and the people of the day hear of it in the same commit. Raises Invalid
    at `on`, `begins` or `reason`; Conflict `day_over`, `leader_engaged`, `room_engaged`, `slots_overlap`,
    `engaged`, `not_movable`, `not_yours`; NotFound, Forbidden.
    """
    require(actor, Action.MANAGE_SLOTS)
    await _hold_visits(db, command.day_id)
    day = await owned_day(db, actor, command.day_id)
    begins, reason = _new_beginning(clock, day, command), clean_text(command.reason, "reason", "原因", 200)
    if not reason:
        raise Invalid("required", "请写明改期的原因。", "reason")
    was, shift = day.starts_at, begins - day.starts_at
    await take_turn(db, {day.receives.id: ResourceKind.PERSON, day.room_id: ResourceKind.ROOM})
    day.starts_at, day.ends_at, day.reason = begins, day.ends_at + shift, reason
    await refuse_double_day(db, day, [day.receives.id], day.room_id)
    touch(clock, day)
    detail = {"was": was.isoformat(), "starts_at": begins.isoformat()}
    await add_audit(db, clock, actor, "reception_day.moved", "reception_day", day.id, detail=detail)
    bookings, session_ids = 0, list[str]()
    if day.state is DayState.PUBLISHED:
        bookings, session_ids = await _move_visits(db, clock, actor, day, shift, telling)
        if telling is not None:
            words = f"原定{telling.when(was)}，原因：{reason}"
            await tell_of_day(db, clock, telling, day, "attendance_moved", words)
    await db.commit()
    return MovedDay(day, bookings, session_ids)


def _new_beginning(clock: Clock, day: ReceptionDay, command: MoveDay) -> datetime:
    before = day.starts_at.astimezone(BEIJING)
    if day.state is DayState.CANCELLED or day.starts_at <= clock.now():
        raise Conflict("day_over", "这个接访日已经开始、结束或取消，不能改期。", "on")
    if command.on == before.date():
        raise Invalid("same_time", "请选择另外一天。", "on")
    begins = datetime.combine(command.on, command.begins or before.time(), BEIJING)
    if begins <= clock.now():
        raise Invalid("in_the_past", "这个时间已经过去，请选择以后的日期。", "on")
    if begins > clock.now() + AHEAD:
        raise Invalid("too_far_ahead", f"最多改到 {AHEAD.days} 天以内。", "on")
    if not calendar_of(day.organisation.region_code).is_working(command.on):
        raise Invalid("not_working", f"{chinese_date(begins)}不是工作日，请另选一天。", "on")
    if (begins + (day.ends_at - day.starts_at)).date() != command.on:
        raise Invalid("ends_tomorrow", "开始得太晚，当天接待不完。", "begins")
    return begins


async def _move_visits(
    db: AsyncSession, clock: Clock, actor: Actor, day: ReceptionDay, shift: timedelta, telling: Telling | None
) -> tuple[int, list[str]]:
    """Onto new slots, so that what histories and other proposals say of the old ones stays true."""
    old = await slots_of(db, day)
    new = {slot.starts_at: slot for slot in await cut_slots(db, clock, day)}
    query = select(Booking).join(Slot, Slot.id == Booking.slot_id).order_by(Slot.starts_at)
    query = query.where(Slot.id.in_([slot.id for slot in old]), Booking.state.in_(sorted(HOLDING)))
    bookings = (await db.scalars(query)).all()
    ended = (SessionState.CANCELLED, SessionState.NO_SHOW)
    arranged = select(Session.booking_id, Session.id).where(Session.state.not_in(ended))
    arranged = arranged.where(Session.booking_id.in_([booking.id for booking in bookings]))
    sessions = {booking_id: session_id for booking_id, session_id in await db.execute(arranged)}
    for booking in bookings:
        slot = new[booking.slot.starts_at + shift]
        if booking.id in sessions:
            await _move_session(
                db, clock, actor, MoveSession(sessions[booking.id], day.reason, slot.id), telling
            )
        else:
            await _move_booking(db, clock, actor, booking, slot, day.reason, telling)
    await drop_slots(db, old)
    return len(bookings), list(sessions.values())


async def _move_session(
    db: AsyncSession, clock: Clock, actor: Actor, command: MoveSession, telling: Telling | None
) -> None:
    try:
        await give_new_time(db, clock, actor, command, telling)
    except Forbidden:
        message = "这一天有一场接访不由您安排，请先和安排的人商量改期。"
        raise Conflict("not_yours", message, "on") from None


async def _move_booking(
    db: AsyncSession, clock: Clock, actor: Actor, booking: Booking, slot: Slot, reason: str,
    telling: Telling | None,
) -> None:  # fmt: skip
    """What nobody arranged yet; what the offices above answered was about another time."""
    was = booking.slot.starts_at
    await refuse_engaged_slot(db, slot)
    await rebook(db, booking, slot)
    await db.execute(delete(JointAnswerRow).where(JointAnswerRow.booking_id == booking.id))
    data = {
        "booking_id": booking.id, "was": was.isoformat(), "starts_at": slot.starts_at.isoformat(),
        "reason": reason,
    }  # fmt: skip
    await add_petition_event(db, clock, actor, booking.petition_id, "booking.day_moved", data)
    if telling is not None:
        await tell_of_moved_day(db, clock, telling, booking, was, reason)


async def _hold_visits(db: AsyncSession, day_id: str) -> None:
    """Sessions, then bookings, then the day: in the order in which whoever moves one of them takes them."""
    sessions = select(Session.id).join(Booking, Booking.id == Session.booking_id)
    sessions = sessions.join(Slot, Slot.id == Booking.slot_id).where(Slot.reception_day_id == day_id)
    await db.execute(sessions.order_by(Session.id).with_for_update(of=Session))
    bookings = select(Booking.id).join(Slot, Slot.id == Booking.slot_id)
    bookings = bookings.where(Slot.reception_day_id == day_id)
    await db.execute(bookings.order_by(Booking.id).with_for_update(of=Booking))
