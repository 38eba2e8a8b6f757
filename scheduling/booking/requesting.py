"""Offices asking for a reception: a station for a citizen, a department for its matter, a leader who invites.

Such a request waits for its review like one of a citizen's own (domain.md 1.2, steps 1 and 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import scope_of
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Forbidden, Invalid
from cases.fields import clean_text
from cases.petitions import load_petition
from cases.policy import Action, Actor, require
from cases.roles import Role
from scheduling.booking.booking import Booking, BookingKind, BookingState
from scheduling.booking.bookings import add_proxy, bookable_slot, review_due, take_slot, write_down

MAX_NOTE = 500
# The first post that fits says in which part somebody asks.
KINDS: Mapping[Role, BookingKind] = {
    Role.LEADER: BookingKind.LEADER_INVITED,
    Role.UNIT_HEAD: BookingKind.DEPARTMENT_REQUESTED,
    Role.HANDLER: BookingKind.DEPARTMENT_REQUESTED,
    Role.STATION_CLERK: BookingKind.STATION_ASSISTED,
    Role.RECEPTIONIST: BookingKind.STATION_ASSISTED,
}


@dataclass(frozen=True, slots=True)
class RequestBooking:
    """Command: a slot of the office that keeps the case; `note` says why."""

    petition_id: str
    slot_id: str
    note: str
    insists: bool = False  # The upper level is to sit there too.
    proxy_name: str = ""  # Who comes for the petitioner, with a mandate.
    proxy_phone: str = ""


def kind_for(actor: Actor) -> BookingKind:
    """As which kind of booking this official's request counts. Raises Forbidden for who asks for none."""
    held = {post.role for post in actor.posts}
    for role, kind in KINDS.items():
        if role in held:
            return kind
    raise Forbidden()


@atomic
async def request_booking(db: AsyncSession, clock: Clock, actor: Actor, command: RequestBooking) -> Booking:
    """Take the slot until somebody reviewed it, and commit.

    Raises NotFound, Forbidden, Invalid at `note`, `slot_id`, `proxy_name` or `proxy_phone`, Conflict
    `slot_taken`, `slot_over`.
    """
    petition = await load_petition(db, command.petition_id)
    require(actor, Action.REQUEST_BOOKING, scope_of(petition))
    kind = kind_for(actor)
    note = clean_text(command.note, "note", "理由", MAX_NOTE)
    if not note:
        raise Invalid("required", "请写明为什么要安排这次接访。", "note")
    proxy = await add_proxy(db, clock, command.proxy_name, command.proxy_phone)
    slot = await bookable_slot(db, clock, command.slot_id)
    if slot.organisation_id != petition.custodian_id:
        raise Invalid("bad_slot", "请选择负责这件信访的单位的时段。", "slot_id")
    booking = await take_slot(
        db, slot_id=slot.id, petition_id=petition.id, kind=kind, state=BookingState.SUBMITTED, note=note,
        created_at=clock.now(), created_by=actor.official_id, review_due_on=review_due(clock),
        insists=command.insists, proxy_id=proxy.id if proxy else None,
    )  # fmt: skip
    await write_down(db, clock, actor, booking)
    await add_audit(db, clock, actor, "booking.requested", "booking", booking.id, detail={"kind": kind})
    await db.commit()
    return booking
