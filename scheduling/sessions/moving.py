"""Moving a session to another time before it was opened: the same session, links and people, a new date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, violates
from cases.errors import Conflict, Invalid
from cases.fields import clean_text
from cases.policy import Action, Actor, require
from scheduling.booking.booking import Booking, BookingState
from scheduling.booking.bookings import bookable_slot, change_booking
from scheduling.booking.engagements import (
    ResourceKind,
    engage,
    engaged_by,
    hold_slot,
    refuse_engaged_slot,
    release,
)
from scheduling.booking.slot import Slot
from scheduling.booking.slots import check_period
from scheduling.invitation import Invitation
from scheduling.links import DEFAULT_RULES, Link
from scheduling.matter_history import note_in_matter
from scheduling.notices.telling import Telling
from scheduling.reach import load_session, scope_of_session
from scheduling.session import SESSION_STATE_NAMES, Session, SessionState
from scheduling.session_events import add_event
from scheduling.sessions.sessions import LONGEST
from scheduling.sessions.telling import tell_citizens

_S = SessionState
MOVABLE = frozenset({_S.SCHEDULED, _S.NOTIFIED, _S.CHECKED_IN, _S.WAITING, _S.CALLED})


@dataclass(frozen=True, slots=True)
class MoveSession:
    """Command: either `slot_id`, or `starts_at` and `ends_at` (aware)."""

    session_id: str
    reason: str
    slot_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@atomic
async def reschedule_session(
    db: AsyncSession, clock: Clock, actor: Actor, command: MoveSession, telling: Telling | None = None
) -> Session:
    """Move the session with everybody and everything it engages, and commit; the old slot is free at once.

    Links stay the same and open around the new time. With `telling` its citizens hear of it in the same
    commit. Raises Invalid at the field, Conflict `not_movable`, `same_time`, `slot_taken`, `engaged`,
    NotFound, Forbidden.
    """
    session = await give_new_time(db, clock, actor, command, telling)
    await db.commit()
    return await load_session(db, session.id)


async def give_new_time(
    db: AsyncSession, clock: Clock, actor: Actor, command: MoveSession, telling: Telling | None = None
) -> Session:
    """The same inside the caller's transaction."""
    session = await load_session(db, command.session_id, lock=True)
    require(actor, Action.MANAGE_SESSION, await scope_of_session(db, session))
    if session.state not in MOVABLE or session.opened_at is not None:
        message = f"接访现在是「{SESSION_STATE_NAMES[session.state]}」，不能改期。"
        raise Conflict("not_movable", message, "reason")
    reason = clean_text(command.reason, "reason", "原因", 200)
    if not reason:
        raise Invalid("required", "请写明改期的原因。", "reason")
    before = session.starts_at, session.ends_at
    wanted = await _new_time(db, clock, actor, session, command)
    if (session.starts_at, session.ends_at) == before:
        raise Conflict("same_time", "新的时间和原来的一样。", "starts_at")
    session.revision += 1
    await db.flush()
    await release(db, clock, session.id)
    await engage(db, clock, session, wanted)
    await _move_links(db, session)
    data = {
        "reason": reason, "was": before[0].isoformat(), "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(), "session_id": session.id,
    }  # fmt: skip
    await add_event(db, clock, session.id, "session.moved", actor.name or None, data=data)
    await note_in_matter(db, clock, actor, session, "session.moved", data)
    await add_audit(db, clock, actor, "session.moved", "session", session.id)
    if telling is not None:
        await tell_citizens(db, clock, telling, session, "session_moved", reason, was=before[0])
    return session


async def _new_time(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, command: MoveSession
) -> dict[str, ResourceKind]:
    """Give the session its new time; returns what it engages from now on."""
    wanted = await engaged_by(db, session.id)
    booking = await db.get(Booking, session.booking_id) if session.booking_id else None
    if booking is not None:
        wanted.pop(booking.slot.room_id, None)
    if command.slot_id is not None:
        slot = await bookable_slot(db, clock, command.slot_id)
        if slot.organisation_id != session.host_organisation_id:
            raise Invalid("bad_slot", "请选择主持单位的时段。", "slot_id")
        await hold_slot(db, slot)
        await refuse_engaged_slot(db, slot, session.id)
        if booking is not None:
            await rebook(db, booking, slot)
        session.starts_at, session.ends_at = slot.starts_at, slot.ends_at
        return wanted | {slot.room_id: ResourceKind.ROOM}
    if command.starts_at is None or command.ends_at is None:
        raise Invalid("required", "请选择时段，或填写开始和结束时间。", "starts_at")
    check_period(clock, command.starts_at, command.ends_at, LONGEST)
    if booking is not None:
        wanted[booking.slot.room_id] = ResourceKind.ROOM
        session.booking_id = None
        await change_booking(db, clock, actor, booking.id, BookingState.CANCELLED, moved=True)
    session.starts_at, session.ends_at = command.starts_at, command.ends_at
    return wanted


async def rebook(db: AsyncSession, booking: Booking, slot: Slot) -> None:
    """Put the booking onto another slot; the partial unique index decides between two takers.

    Inside the caller's transaction. Raises Conflict `slot_taken`.
    """
    try:
        await db.execute(
            update(Booking).where(Booking.id == booking.id).values(slot_id=slot.id),
            execution_options={"synchronize_session": False},
        )
    except IntegrityError as error:
        if violates(error, "ix_bookings_one_per_slot", "bookings.slot_id"):
            raise Conflict("slot_taken", "这个时段刚刚被别人约走了，请另选一个。", "slot_id") from error
        raise
    await db.refresh(booking, ["slot_id", "slot"])


async def _move_links(db: AsyncSession, session: Session) -> None:
    """Links that live open around the new time."""
    own = select(Invitation.id).where(Invitation.session_id == session.id)
    change = update(Link).where(Link.invitation_id.in_(own), Link.revoked_at.is_(None))
    times = {
        "valid_from": session.starts_at - DEFAULT_RULES.before,
        "valid_until": session.ends_at + DEFAULT_RULES.after,
    }
    await db.execute(change.values(**times), execution_options={"synchronize_session": False})
