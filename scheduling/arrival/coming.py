"""The reception that a petitioner waits for: asked for, or arranged already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from scheduling.booking.booking import PENDING, Booking
from scheduling.booking.slot import Slot
from scheduling.session import Session, SessionState

S = SessionState
# Arranged, and nobody was called yet.
AHEAD = frozenset({S.APPROVED, S.SCHEDULED, S.NOTIFIED, S.CHECKED_IN, S.WAITING})


@dataclass(frozen=True, slots=True)
class Coming:
    """When and by whom; `arranged` False: a time that was asked for and that nobody confirmed yet."""

    starts_at: datetime
    office: str
    arranged: bool


async def coming_reception(db: AsyncSession, clock: Clock, petition: PetitionCase) -> Coming | None:
    """The next one that has not ended. The caller has made sure that it is the petitioner's."""
    now = clock.now()
    arranged = select(Session).where(
        Session.petition_id == petition.id, Session.state.in_(sorted(AHEAD)), Session.ends_at > now
    )
    if session := (await db.scalars(arranged.order_by(Session.starts_at).limit(1))).first():
        return Coming(session.starts_at, session.host.name, True)
    asked = select(Booking).join(Slot, Slot.id == Booking.slot_id)
    asked = asked.where(
        Booking.petition_id == petition.id, Booking.state.in_(sorted(PENDING)), Slot.ends_at > now
    )
    booking = (await db.scalars(asked.order_by(Slot.starts_at).limit(1))).first()
    if booking is None:
        return None
    return Coming(booking.slot.starts_at, booking.slot.room.organisation.name, False)
