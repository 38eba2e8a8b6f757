"""The briefing pack of a reception day: who comes when, with what matter, and what happened in it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent, scope_of
from cases.organisations import Organisation
from cases.policy import Action, Actor, allowed, require
from scheduling.booking.booking import HOLDING, Booking
from scheduling.booking.slot import Slot
from scheduling.booking.slots import scope_of_organisation
from scheduling.rota.planning import get_day
from scheduling.rota.reception_day import ReceptionDay

MOST_STEPS = 12
MOST_EARLIER = 10


@dataclass(frozen=True, slots=True)
class Visit:
    """One booked visitor. `petition` is None when the reader may not see the case: the time alone is told.

    `history`: when and which kind of event, newest first; `earlier`: matters from the same phone.
    """

    booking: Booking
    petition: PetitionCase | None
    history: tuple[tuple[datetime, str], ...] = ()
    earlier: tuple[PetitionCase, ...] = ()


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything the leader reads the day before."""

    day: ReceptionDay
    visits: Sequence[Visit]
    required: Sequence[Organisation]


async def brief(db: AsyncSession, actor: Actor, day_id: str) -> Briefing:
    """The pack as far as the reader sees the cases in it. Raises NotFound, Forbidden.

    Units that must attend read it, too: place, time and how many come, and of cases those they see anyway.
    """
    require(actor, Action.SEE_PETITION)
    day = await get_day(db, actor, day_id)
    ids = day.required_ids
    if actor.organisation_ids.isdisjoint(ids):
        require(actor, Action.SEE_PETITION, scope_of_organisation(day.organisation))
    query = select(Booking).join(Slot, Slot.id == Booking.slot_id)
    query = query.where(Slot.reception_day_id == day.id, Booking.state.in_(sorted(HOLDING)))
    bookings = (await db.scalars(query.order_by(Slot.starts_at, Booking.id))).all()
    required = await db.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    visits = [await _visit(db, actor, booking) for booking in bookings]
    return Briefing(day, visits, sorted(required, key=lambda each: each.region_code))


async def _visit(db: AsyncSession, actor: Actor, booking: Booking) -> Visit:
    petition = booking.petition
    if not allowed(actor, Action.SEE_PETITION, scope_of(petition)):
        return Visit(booking, None)
    query = select(PetitionEvent).where(PetitionEvent.petition_id == petition.id)
    events = (await db.scalars(query.order_by(PetitionEvent.sequence.desc()).limit(MOST_STEPS))).all()
    history = tuple((each.at, each.kind) for each in events)
    return Visit(booking, petition, history, await _earlier(db, actor, petition))


async def _earlier(db: AsyncSession, actor: Actor, petition: PetitionCase) -> tuple[PetitionCase, ...]:
    """Joined by the same telephone number, which whoever booked has given; a suggestion and no finding."""
    phone = petition.petitioner.phone
    if not phone:
        return ()
    query = (
        select(PetitionCase)
        .where(PetitionCase.petitioner.has(phone=phone), PetitionCase.id != petition.id)
        .order_by(PetitionCase.registered_at.desc())
        .limit(MOST_EARLIER)
    )
    found = (await db.scalars(query)).all()
    return tuple(each for each in found if allowed(actor, Action.SEE_PETITION, scope_of(each)))
