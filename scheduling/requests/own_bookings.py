"""A petitioner books a reception of a matter that is in the register already, or calls one off.

Who asks has number and query code, and writes nothing anew: a second matter of the same is nobody's wish.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, NotFound
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.petitions import find_by_query_code
from cases.policy import ANONYMOUS, Action, Actor, ActorKind, require
from scheduling.arrival.coming import coming_reception
from scheduling.booking.booking import PENDING, Booking, BookingKind, BookingState
from scheduling.booking.bookings import (
    bookable_slot,
    change_booking,
    refuse_hoarding,
    review_due,
    take_slot,
    write_down,
)
from scheduling.booking.slot import Slot
from scheduling.booking.slots import list_offered_slots

CALLED_OFF = "本人取消"
Tell = Callable[[Booking], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class BookOwn:
    """Command of whoever has number and query code: which free public time of the receiving office."""

    number: str
    query_code: str
    slot_id: str
    insists: bool = False  # The upper level is to sit there too (domain.md 1.2, step 4).


async def receiving_office(db: AsyncSession, petition: PetitionCase) -> Organisation:
    """The petition office that receives for whoever keeps the matter: a station has no times of its own."""
    office = petition.custodian
    while office.kind is OrganisationKind.STATION and office.parent_id:
        office = await get_organisation(db, office.parent_id)
    return office


async def list_own_times(db: AsyncSession, clock: Clock, petition: PetitionCase) -> Sequence[Slot]:
    """Public times on offer at the receiving office. The caller made sure who asks."""
    return await list_offered_slots(db, clock, (await receiving_office(db, petition)).id, True)


@atomic
async def book_own(
    db: AsyncSession, clock: Clock, command: BookOwn, address: str | None = None, tell: Tell | None = None
) -> Booking:
    """Take the time until the office has reviewed it, and commit. `tell` answers whoever asked by message.

    Raises NotFound `petition_not_found` for a wrong number or code and `slot_not_found` for a time of another
    office; Conflict `booked_already`, `slot_taken`, `slot_over`, `engaged`, `too_many_bookings`.
    """
    require(ANONYMOUS, Action.BOOK_PUBLIC)
    petition = await _own(db, command.number, command.query_code)
    if await coming_reception(db, clock, petition) is not None:
        raise Conflict("booked_already", "这件事已经约了接访，不用再约。要改时间请先取消，或者打电话。")
    slot = await bookable_slot(db, clock, command.slot_id)
    if not slot.is_public or slot.organisation_id != (await receiving_office(db, petition)).id:
        raise NotFound("slot_not_found", "没有找到这个时段，请重新选择。", "slot_id")
    await refuse_hoarding(db, clock, petition.petitioner.phone)
    booking = await take_slot(
        db, slot_id=slot.id, petition_id=petition.id, kind=BookingKind.SELF_ONLINE,
        state=BookingState.SUBMITTED, created_at=clock.now(), review_due_on=review_due(clock),
        insists=command.insists,
    )  # fmt: skip
    await write_down(db, clock, ANONYMOUS, booking)
    await add_audit(db, clock, ANONYMOUS, "booking.created", "booking", booking.id, address=address)
    if tell is not None:
        await tell(booking)
    await db.commit()
    return booking


@atomic
async def cancel_own(
    db: AsyncSession, clock: Clock, number: str, query_code: str, address: str | None = None,
    tell: Tell | None = None,
) -> Booking:  # fmt: skip
    """Call off what waits for the office's word, and commit; the time is free again.

    What is arranged already has others at the table: that is called off by telephone. Raises NotFound for a
    wrong number or code, Conflict `nothing_booked`, `already_arranged`.
    """
    require(ANONYMOUS, Action.BOOK_PUBLIC)
    petition = await _own(db, number, query_code)
    waiting = select(Booking).join(Slot, Slot.id == Booking.slot_id)
    waiting = waiting.where(Booking.petition_id == petition.id, Booking.state.in_(sorted(PENDING)))
    waiting = waiting.where(Slot.starts_at > clock.now()).order_by(Slot.starts_at).limit(1)
    booking = (await db.scalars(waiting)).first()
    if booking is None:
        coming = await coming_reception(db, clock, petition)
        if coming is not None:
            raise Conflict("already_arranged", "这次接访已经安排好，来不了请打电话，工作人员帮您改。")
        raise Conflict("nothing_booked", "这件事现在没有预约。")
    petitioner = Actor(ActorKind.ANONYMOUS, name=petition.petitioner.name)
    await change_booking(db, clock, petitioner, booking.id, BookingState.CANCELLED, CALLED_OFF)
    await add_audit(db, clock, ANONYMOUS, "booking.cancelled", "booking", booking.id, address=address)
    if tell is not None:
        await tell(booking)
    await db.commit()
    return booking


async def _own(db: AsyncSession, number: str, query_code: str) -> PetitionCase:
    """The case, held until this transaction ends: two taps take turns."""
    found = await find_by_query_code(db, number, query_code)
    if found is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    same = update(PetitionCase).where(PetitionCase.id == found.id)
    await db.execute(same.values(event_count=PetitionCase.event_count))
    return found
