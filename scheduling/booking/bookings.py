"""Bookings: who takes which slot for which case. Of two takers at once exactly one wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, raiseload

from cases.audit import add_audit
from cases.casefile import Channel, PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id, violates
from cases.deadlines.in_force import calendar_of
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_phone, clean_text
from cases.handling.clocks import today
from cases.people import Person, PersonDetails, make_person
from cases.petitions import RegisterPetition, add_petition, add_petition_event, load_petition
from cases.policy import ANONYMOUS, SYSTEM, Action, Actor, require
from cases.visibility import visible_petitions
from scheduling.booking.booking import BOOKING_KIND_NAMES as BOOKING_KIND_NAMES
from scheduling.booking.booking import BOOKING_STATE_NAMES as BOOKING_STATE_NAMES
from scheduling.booking.booking import HOLDING as HOLDING
from scheduling.booking.booking import PENDING as PENDING
from scheduling.booking.booking import TRANSITIONS as TRANSITIONS
from scheduling.booking.booking import Booking as Booking
from scheduling.booking.booking import BookingKind as BookingKind
from scheduling.booking.booking import BookingState as BookingState
from scheduling.booking.engagements import hold_slot, refuse_engaged_slot
from scheduling.booking.slot import Slot
from scheduling.booking.slot_proposal import settle_proposals
from scheduling.booking.slots import get_slot
from scheduling.transitions import require_transition

MAX_LIVE_PER_PHONE = 3
# Lists name the case and the slot of a booking, and none of the people about it.
LISTED = (
    joinedload(Booking.petition).raiseload("*"),
    *(raiseload(each) for each in (Booking.reviewer, Booking.redirected_to, Booking.proxy)),
)
REVIEW_DAYS = 2


@dataclass(frozen=True, slots=True)
class BookSlot:
    """Command of an official: take a slot for a case he sees."""

    slot_id: str
    petition_id: str
    kind: BookingKind = BookingKind.STATION_ASSISTED
    note: str = ""


@dataclass(frozen=True, slots=True)
class BookPublicly:
    """Command of a citizen on the public page: a new matter and a slot for it."""

    slot_id: str
    name: str
    phone: str
    subject: str
    description: str
    insists: bool = False  # The upper level is to sit there too (domain.md 1.2, step 4).
    proxy_name: str = ""  # Who asks on behalf of `name`, with a written mandate.
    proxy_phone: str = ""


@dataclass(frozen=True, slots=True)
class PublicBooking:
    """What the confirmation page shows; the query code is told this once."""

    booking: Booking
    petition: PetitionCase
    query_code: str


@atomic
async def book_slot(db: AsyncSession, clock: Clock, actor: Actor, command: BookSlot) -> Booking:
    """Take the slot and commit; the booking is confirmed at once. Raises Conflict `slot_taken`."""
    petition = await load_petition(db, command.petition_id)
    require(actor, Action.BOOK, scope_of(petition))
    booking = await add_booking(db, clock, actor, command.slot_id, petition, command.kind, command.note)
    await add_audit(db, clock, actor, "booking.created", "booking", booking.id)
    await db.commit()
    return booking


async def add_booking(
    db: AsyncSession, clock: Clock, actor: Actor, slot_id: str, petition: PetitionCase, kind: BookingKind,
    note: str = "",
) -> Booking:  # fmt: skip
    """Take a slot, confirmed, inside the caller's transaction. Raises Conflict `slot_taken`, `slot_over`."""
    slot = await bookable_slot(db, clock, slot_id)
    booking = await take_slot(
        db,
        slot_id=slot.id,
        petition_id=petition.id,
        kind=kind,
        state=BookingState.SCHEDULED,
        note=clean_text(note, "note", "备注", 500),
        created_at=clock.now(),
        created_by=actor.official_id,
    )
    await write_down(db, clock, actor, booking)
    return booking


async def find_held(db: AsyncSession, slot_id: str, petition_id: str) -> Booking | None:
    """Return the booking by which this case holds the slot, if it does."""
    query = select(Booking).where(Booking.slot_id == slot_id, Booking.petition_id == petition_id)
    return await db.scalar(query.where(Booking.state.in_(sorted(HOLDING))))


@atomic
async def book_publicly(
    db: AsyncSession, clock: Clock, command: BookPublicly, address: str | None = None
) -> PublicBooking:
    """Enter the matter and take the slot in one commit; an official confirms it later.

    Raises Invalid at the field, Conflict `slot_taken` or `too_many_bookings`, NotFound for a private slot.
    """
    require(ANONYMOUS, Action.BOOK_PUBLIC)
    slot = await bookable_slot(db, clock, command.slot_id)
    if not slot.is_public:
        raise NotFound("slot_not_found", "没有找到这个时段，请重新选择。")
    # Whoever comes too late is told before the matter is entered; the index decides among the others.
    held = select(Booking.id).where(Booking.slot_id == slot.id, Booking.state.in_(sorted(HOLDING)))
    if await db.scalar(held) is not None:
        raise _taken()
    await refuse_hoarding(db, clock, clean_phone(command.phone))
    proxy = await add_proxy(db, clock, command.proxy_name, command.proxy_phone)
    petition, query_code = await add_petition(db, clock, SYSTEM, _matter(command, slot))
    booking = await take_slot(
        db,
        slot_id=slot.id,
        petition_id=petition.id,
        kind=BookingKind.BY_PROXY if proxy else BookingKind.SELF_ONLINE,
        state=BookingState.SUBMITTED,
        created_at=clock.now(),
        review_due_on=review_due(clock),
        insists=command.insists,
        proxy_id=proxy.id if proxy else None,
    )
    await write_down(db, clock, ANONYMOUS, booking)
    await add_audit(db, clock, ANONYMOUS, "booking.created", "booking", booking.id, address=address)
    await db.commit()
    return PublicBooking(booking, petition, query_code)


async def move_booking(
    db: AsyncSession, clock: Clock, actor: Actor, booking_id: str, state: BookingState, reason: str = ""
) -> Booking:
    """Confirm, reject, redirect or cancel, and commit. Raises Conflict `bad_transition`."""
    booking = await get_booking(db, actor, booking_id)
    require(actor, Action.BOOK, scope_of(booking.petition))
    await change_booking(db, clock, actor, booking_id, state, reason)
    await add_audit(db, clock, actor, f"booking.{state}", "booking", booking_id)
    await db.commit()
    return booking


async def change_booking(
    db: AsyncSession, clock: Clock, actor: Actor, booking_id: str, state: BookingState, reason: str = "",
    *, moved: bool = False,
) -> Booking:  # fmt: skip
    """Move a booking inside the caller's transaction, after the caller asked the policy.

    `moved`: its sitting is held at a time outside of slots, which nobody is told as a cancellation.
    """
    # Touching the row first makes two movers take turns, so that the state read below is the last one.
    await db.execute(update(Booking).where(Booking.id == booking_id).values(note=Booking.note))
    booking = await db.get_one(Booking, booking_id, populate_existing=True)
    old, new = BOOKING_STATE_NAMES[booking.state], BOOKING_STATE_NAMES[state]
    refused = f"这个预约{old}，不能改为{new}。" if old != new else f"这个预约已经处理过了，现在是「{old}」。"
    require_transition(TRANSITIONS, booking.state, state, refused)
    booking.state = state
    booking.reason = clean_text(reason, "reason", "原因", 500) or None
    data = {"booking_id": booking.id, "reason": booking.reason}
    await settle_proposals(db, clock, actor, booking_id, state)
    kind = "booking.moved" if moved else f"booking.{state}"
    await add_petition_event(db, clock, actor, booking.petition_id, kind, data)
    return booking


async def get_booking(db: AsyncSession, actor: Actor, booking_id: str) -> Booking:
    """Return the booking with slot and case. Raises NotFound, also when the case is out of sight."""
    booking = await db.get(Booking, booking_id)
    if booking is None:
        raise NotFound("booking_not_found", "没有找到这个预约。")
    require(actor, Action.SEE_PETITION, scope_of(booking.petition))
    return booking


async def list_bookings(
    db: AsyncSession, actor: Actor, state: BookingState | None = None, petition_id: str | None = None,
    after: datetime | None = None, limit: int = 100,
) -> Sequence[Booking]:  # fmt: skip
    """Return bookings of cases the actor sees, by time of the slot; of slots that begin `after` it alone."""
    require(actor, Action.SEE_PETITION)
    query = select(Booking).join(Slot, Slot.id == Booking.slot_id).options(*LISTED)
    seen = exists().where(PetitionCase.id == Booking.petition_id, visible_petitions(actor))
    query = query.where(seen.correlate(Booking))
    if state is not None:
        query = query.where(Booking.state == state)
    if petition_id is not None:
        query = query.where(Booking.petition_id == petition_id)
    if after is not None:
        query = query.where(Slot.starts_at > after)
    return (await db.scalars(query.order_by(Slot.starts_at).limit(min(limit, 500)))).all()


async def bookable_slot(db: AsyncSession, clock: Clock, slot_id: str) -> Slot:
    """Return a slot that can still be taken. Raises NotFound, Conflict `slot_over`."""
    slot = await get_slot(db, slot_id)
    if slot.closed or slot.starts_at <= clock.now():
        raise Conflict("slot_over", "这个时段已经开始，请选择以后的时段。", "slot_id")
    return slot


async def take_slot(db: AsyncSession, slot_id: str, **values: object) -> Booking:
    """Insert the booking; the partial unique index decides.

    Raises Conflict `slot_taken`, `slot_over`, or `engaged` where the leader of its day is.
    """
    await hold_slot(db, await get_slot(db, slot_id))
    try:
        await db.execute(insert(Booking).values(id=(booking_id := new_id()), slot_id=slot_id, **values))
    except IntegrityError as error:
        if violates(error, "ix_bookings_one_per_slot", "bookings.slot_id"):
            raise _taken() from error
        raise
    booking = await db.get_one(Booking, booking_id)
    await refuse_engaged_slot(db, booking.slot)
    return booking


def _taken() -> Conflict:
    return Conflict("slot_taken", "这个时段刚刚被别人约走了，请另选一个。", "slot_id")


async def refuse_hoarding(db: AsyncSession, clock: Clock, phone: str | None) -> None:
    """Raise Conflict `too_many_bookings` where this number holds three times ahead; without one never."""
    if not phone:
        return
    live = (
        select(func.count())
        .select_from(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .join(PetitionCase, PetitionCase.id == Booking.petition_id)
        .join(Person, Person.id == PetitionCase.petitioner_id)
        .where(Person.phone == phone, Slot.starts_at > clock.now())
        .where(Booking.state.in_([*sorted(PENDING), BookingState.SCHEDULED]))
    )
    if (await db.scalar(live) or 0) >= MAX_LIVE_PER_PHONE:
        message = f"这个电话已经有 {MAX_LIVE_PER_PHONE} 个预约。需要更改请拨打接访单位电话。"
        raise Conflict("too_many_bookings", message, "phone")


def review_due(clock: Clock) -> date:
    """The last day of the review: two working days after the request (domain.md 1.2, step 3)."""
    day = today(clock)
    for _ in range(REVIEW_DAYS):
        day = calendar_of().roll(day + timedelta(days=1))
    return day


async def add_proxy(db: AsyncSession, clock: Clock, name: str, phone: str) -> Person | None:
    """Who comes for the petitioner, inside the caller's transaction; None where nothing was filled in.

    Raises Invalid at `proxy_name` or `proxy_phone`.
    """
    if not clean(name) and not clean(phone):
        return None
    try:
        person = make_person(clock, PersonDetails(name, phone))
    except Invalid as error:
        raise Invalid(error.code, error.message, f"proxy_{error.field}") from error
    db.add(person)
    await db.flush()
    return person


def _matter(command: BookPublicly, slot: Slot) -> RegisterPetition:
    person = PersonDetails(name=command.name, phone=command.phone)
    return RegisterPetition(Channel.VIDEO, command.subject, command.description, person, slot.organisation_id)


async def write_down(db: AsyncSession, clock: Clock, actor: Actor, booking: Booking) -> None:
    """Note in the history of the case that the slot was taken."""
    data = {"booking_id": booking.id, "starts_at": booking.slot.starts_at.isoformat(), "kind": booking.kind}
    await add_petition_event(db, clock, actor, booking.petition_id, "booking.created", data)
