"""Sessions: arranging a sitting, moving it through its states, and who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, raiseload

from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import BEIJING, Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean_subject, clean_text
from cases.organisations import get_organisation
from cases.petitions import load_petition
from cases.policy import Action, Actor, Scope, require
from cases.roles import InvitationRole
from scheduling.booking.bookings import (
    PENDING,
    Booking,
    BookingKind,
    BookingState,
    add_booking,
    change_booking,
    find_held,
)
from scheduling.booking.bookings import (
    TRANSITIONS as BOOKING_TRANSITIONS,
)
from scheduling.booking.engagements import ResourceKind, engage, release
from scheduling.booking.equipment import Equipment
from scheduling.booking.slot import ReceptionRoom
from scheduling.booking.slots import check_period
from scheduling.incidents.incidents import end_with_session
from scheduling.matter_history import note_in_matter
from scheduling.notices.telling import Telling
from scheduling.reach import load_session, scope_of_session, visible_sessions
from scheduling.session import (
    ACTION_FOR,
    OVER,
    SESSION_STATE_NAMES,
    TRANSITIONS,
    Session,
    SessionKind,
    SessionPart,
    SessionState,
)
from scheduling.session_events import add_event
from scheduling.sessions.invitations import Invitee, add_invitation, seat_organisation
from scheduling.sessions.mediation_sessions import (
    mediation_of,
    mediator_of,
    require_consent,
    sit_in_mediation,
)
from scheduling.sessions.telling import OF_ENDS, tell_citizens
from scheduling.transitions import require_transition

# What lists of sessions do not name.
UNLISTED = (PetitionCase.petitioner, PetitionCase.custodian, PetitionCase.handler, PetitionCase.reviewer)
LONGEST = timedelta(hours=4)
MAX_JOINT = 16
# What a session's end means for its booking.
BOOKING_FOLLOWS = {
    SessionState.CLOSED: BookingState.FULFILLED,
    SessionState.NO_SHOW: BookingState.MISSED,
    SessionState.CANCELLED: BookingState.CANCELLED,
    SessionState.RESCHEDULED: BookingState.CANCELLED,
}
EVENT_KINDS = {
    SessionState.PAUSED: "session.paused",
    SessionState.NO_SHOW: "session.missed",
    SessionState.TECHNICAL_FAILED: "session.failed",
    SessionState.MINUTES_CONFIRMING: "minutes.presented",
    SessionState.SIGNED: "minutes.signed",
}


@dataclass(frozen=True, slots=True)
class CreateSession:
    """Command: either `slot_id`, or `starts_at` and `ends_at` (aware). The petitioner is always invited."""

    petition_id: str
    host_organisation_id: str
    slot_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    title: str = ""
    joint_organisation_ids: tuple[str, ...] = ()
    invitees: tuple[Invitee, ...] = ()
    record: bool | None = None  # Recorded, unless it is a mediation.
    kind: SessionKind = SessionKind.RECEPTION
    # Who asked for it, where a slot is taken that nobody had booked.
    asked: BookingKind = BookingKind.LEADER_INVITED
    room_ids: tuple[str, ...] = ()
    equipment_ids: tuple[str, ...] = ()
    # A pending booking that is held at this other time: its slot is free again.
    instead_of_id: str | None = None


@atomic
async def create_session(
    db: AsyncSession, clock: Clock, actor: Actor, command: CreateSession, telling: Telling | None = None
) -> Session:
    """Arrange a session with its organisations, invitations and booking in one commit; it is `scheduled`.

    People invited by name, rooms and equipment are engaged for its time: nobody else gets them. With
    `telling` the notices to its citizens are part of the same commit.

    Raises Invalid at the field, Conflict `slot_taken`, `session_exists`, `engaged` or, for a mediation,
    `no_consent`, `no_mediator`, `conflict_of_interest`; NotFound, Forbidden.
    """
    petition = await load_petition(db, command.petition_id)
    require(actor, Action.SEE_PETITION, scope_of(petition))
    require(actor, Action.MANAGE_SESSION, await _scope_of_host(db, petition, command.host_organisation_id))
    session = Session(
        id=new_id(), petition_id=petition.id, petition=petition, booking_id=None,
        title=clean_subject(command.title or petition.subject, "title", "标题"),
        host_organisation_id=command.host_organisation_id, state=SessionState.SCHEDULED,
        kind=command.kind, record=_recorded(command), event_count=0, revision=0, created_at=clock.now(),
        organisations=[],
    )  # fmt: skip
    await _take_time(db, clock, actor, session, command)
    db.add(session)
    await db.flush()
    await _seat_organisations(db, session, command)
    await db.refresh(session, ["organisations", "host"])
    await _invite_all(db, clock, session, command.invitees)
    mediation = await mediation_of(db, session)
    await engage(db, clock, session, await _resources(db, session, command) | mediator_of(mediation))
    await sit_in_mediation(db, clock, actor, session, mediation)
    await _note_created(db, clock, actor, session)
    if telling is not None:
        await tell_citizens(db, clock, telling, session, "session_arranged")
    await db.commit()
    return await load_session(db, session.id)


@atomic
async def move_session(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    session_id: str,
    state: SessionState,
    reason: str | None = None,
    telling: Telling | None = None,
) -> Session:
    """Bring a session into `state` if the table permits it, append the event, and commit.

    With `telling` its citizens hear in the same commit that it was called off, or that they were missed.
    Raises NotFound, Forbidden, Conflict `bad_transition` (also for the state it is already in), `no_consent`.
    """
    session = await load_session(db, session_id, lock=True)
    require(actor, ACTION_FOR[state], await scope_of_session(db, session))
    old, new = SESSION_STATE_NAMES[session.state], SESSION_STATE_NAMES[state]
    require_transition(TRANSITIONS, session.state, state, f"接访现在是「{old}」，不能变为「{new}」。")
    if state is SessionState.LIVE and session.opened_at is None:
        await require_consent(db, session)
    kind = _event_kind(session, state)
    data = {
        "from": session.state,
        "to": state,
        "reason": clean_text(reason or "", "reason", "原因", 500) or None,
    }
    session.state = state
    if state is SessionState.LIVE and session.opened_at is None:
        session.opened_at = clock.now()
    if state in OVER and session.closed_at is None:
        session.closed_at = clock.now()
    await db.flush()
    await add_event(db, clock, session_id, kind, actor.name or None, data=data)
    await _follow_booking(db, clock, actor, session)
    if state in OVER:
        session.revision += 1
        await release(db, clock, session_id)
        await note_in_matter(db, clock, actor, session, kind, {"session_id": session_id, **data})
        await end_with_session(db, clock, session_id)
        await add_audit(db, clock, actor, kind, "session", session_id)
    if telling is not None and (template := OF_ENDS.get(state)) is not None:
        await tell_citizens(db, clock, telling, session, template, data["reason"] or "")
    await db.commit()
    return session


async def get_session(db: AsyncSession, actor: Actor, session_id: str) -> Session:
    """Return the session with case, host and organisations. Raises NotFound, also for the unseen."""
    session = await load_session(db, session_id)
    require(actor, Action.SEE_SESSION, await scope_of_session(db, session))
    return session


async def list_sessions(db: AsyncSession, actor: Actor, day: date, days: int = 1) -> Sequence[Session]:
    """Return the sessions of so many Beijing days, from `day` on, that the actor sees, by time."""
    require(actor, Action.SEE_SESSION)
    begin = datetime.combine(day, time.min, BEIJING)
    query = select(Session).outerjoin(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.options(joinedload(Session.petition).options(*(raiseload(each) for each in UNLISTED)))
    query = query.where(Session.starts_at >= begin, Session.starts_at < begin + timedelta(days=days))
    query = query.where(visible_sessions(actor)).order_by(Session.starts_at, Session.id)
    return (await db.scalars(query)).all()


async def list_sessions_of_petition(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[Session]:
    """Return the sessions of one case that the actor sees, newest first."""
    require(actor, Action.SEE_SESSION)
    query = select(Session).join(PetitionCase, PetitionCase.id == Session.petition_id)
    query = query.where(Session.petition_id == petition_id, visible_sessions(actor))
    return (await db.scalars(query.order_by(Session.starts_at.desc(), Session.id))).all()


def _recorded(command: CreateSession) -> bool:
    """Mediation is recorded only where somebody says so."""
    return command.kind is not SessionKind.MEDIATION if command.record is None else command.record


async def _scope_of_host(db: AsyncSession, petition: PetitionCase, host_id: str) -> Scope:
    """Return the scope the new session will have, as far as arranging it is concerned."""
    host = await get_organisation(db, host_id)
    codes = scope_of(petition).region_codes | {host.region_code}
    own = frozenset({host_id})
    return replace(scope_of(petition), region_codes=codes, organisation_ids=own, owner_organisation_ids=own)


async def _resources(db: AsyncSession, session: Session, command: CreateSession) -> dict[str, ResourceKind]:
    """What the session engages: its slot's room, further rooms, equipment, and officials invited by name."""
    seated = {command.host_organisation_id, *command.joint_organisation_ids}
    seated |= {each.organisation_id for each in session.organisations}
    rooms, equipment = set(command.room_ids), set(command.equipment_ids)
    for model, ids, field in ((ReceptionRoom, rooms, "rooms"), (Equipment, equipment, "equipment")):
        if len(ids) > MAX_JOINT:
            raise Invalid("too_many", f"最多选择 {MAX_JOINT} 个。", field)
        owners = (await db.scalars(select(model.organisation_id).where(model.id.in_(ids)))).all()
        if len(owners) != len(ids) or not seated.issuperset(owners):
            raise Invalid("bad_choice", "只能选择参加单位的接访室和设备。", field)
    if session.booking_id is not None:
        rooms.add((await db.get_one(Booking, session.booking_id)).slot.room_id)
    people = {each.official_id for each in command.invitees if each.official_id}
    kinds = ((people, ResourceKind.PERSON), (rooms, ResourceKind.ROOM), (equipment, ResourceKind.EQUIPMENT))
    return {each: kind for ids, kind in kinds for each in ids}


async def _take_time(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, command: CreateSession
) -> None:
    if command.slot_id is None:
        if command.starts_at is None or command.ends_at is None:
            raise Invalid("required", "请选择时段，或填写开始和结束时间。", "starts_at")
        check_period(clock, command.starts_at, command.ends_at, LONGEST)
        session.starts_at, session.ends_at = command.starts_at, command.ends_at
        if command.instead_of_id is not None:
            await _let_go(db, clock, actor, session, command.instead_of_id)
        return
    booking = await _booking_for(db, clock, actor, command.slot_id, session.case, command.asked)
    session.booking_id = booking.id
    session.starts_at, session.ends_at = booking.slot.starts_at, booking.slot.ends_at
    if await db.scalar(select(Session.id).where(Session.booking_id == booking.id)) is not None:
        raise Conflict("session_exists", "这个预约已经排过接访。", "slot_id")


async def _let_go(db: AsyncSession, clock: Clock, actor: Actor, session: Session, booking_id: str) -> None:
    booking = await db.get(Booking, booking_id)
    if booking is None or booking.petition_id != session.petition_id or booking.state not in PENDING:
        raise Conflict("booking_decided", "这个预约已经处理过了，请刷新后再看。", "time")
    await change_booking(db, clock, actor, booking.id, BookingState.CANCELLED, moved=True)


async def _booking_for(
    db: AsyncSession, clock: Clock, actor: Actor, slot_id: str, petition: PetitionCase, asked: BookingKind
) -> Booking:
    """Return this case's booking of the slot, confirmed; without one the slot is taken now."""
    held = await find_held(db, slot_id, petition.id)
    if held is None:
        return await add_booking(db, clock, actor, slot_id, petition, asked)
    if held.state in (BookingState.SUBMITTED, BookingState.REVIEWING):
        await change_booking(db, clock, actor, held.id, BookingState.APPROVED)
    if held.state is BookingState.APPROVED:
        await change_booking(db, clock, actor, held.id, BookingState.SCHEDULED)
    return held


async def _seat_organisations(db: AsyncSession, session: Session, command: CreateSession) -> None:
    joint = set(command.joint_organisation_ids) - {command.host_organisation_id}
    if len(joint) > MAX_JOINT:
        raise Invalid(
            "too_many_organisations", f"联合接访单位最多 {MAX_JOINT} 个。", "joint_organisation_ids"
        )
    accused = session.case.accused_organisation_id
    if accused is not None and accused in joint | {command.host_organisation_id}:
        message = "被检举控告的单位不能参加这场接访。"
        raise Invalid("accused_organisation", message, "joint_organisation_ids")
    await seat_organisation(db, session, command.host_organisation_id, SessionPart.HOST)
    for organisation_id in sorted(joint):
        await get_organisation(db, organisation_id)
        await seat_organisation(db, session, organisation_id, SessionPart.JOINT)


async def _invite_all(db: AsyncSession, clock: Clock, session: Session, invitees: Sequence[Invitee]) -> None:
    if not any(invitee.role is InvitationRole.PETITIONER for invitee in invitees):
        invitees = (Invitee(InvitationRole.PETITIONER), *invitees)
    for invitee in invitees:
        await add_invitation(db, clock, session, invitee)


async def _note_created(db: AsyncSession, clock: Clock, actor: Actor, session: Session) -> None:
    data = {"starts_at": session.starts_at.isoformat(), "ends_at": session.ends_at.isoformat()}
    await add_event(db, clock, session.id, "session.created", actor.name or None, data=data)
    data["session_id"] = session.id
    await note_in_matter(db, clock, actor, session, "session.created", data)
    await add_audit(db, clock, actor, "session.created", "session", session.id)


async def _follow_booking(db: AsyncSession, clock: Clock, actor: Actor, session: Session) -> None:
    wanted = BOOKING_FOLLOWS.get(session.state)
    if wanted is None or session.booking_id is None:
        return
    booking = await db.get_one(Booking, session.booking_id)
    if wanted in BOOKING_TRANSITIONS[booking.state]:
        await change_booking(db, clock, actor, booking.id, wanted)


def _event_kind(session: Session, state: SessionState) -> str:
    if state is SessionState.LIVE:
        return "session.opened" if session.opened_at is None else "session.resumed"
    return EVENT_KINDS.get(state, f"session.{state}")
