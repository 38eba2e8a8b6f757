"""Progress: what the law lets a petitioner know about his matter, as dates and plain words; nothing else.

The list of what is disclosed is here. An event that is not in it is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent
from cases.clock import BEIJING
from cases.deadlines.deadline import Deadline, count
from cases.handling.clocks import CALENDAR, PetitionClock, profile_of
from cases.vocabulary import citizen_words

DISCLOSED = frozenset(
    {
        "petition.registered",
        "petition.forwarded",
        "petition.assigned",
        "petition.routed",
        "petition.refused",
        "petition.no_longer_accepted",
        "petition.notified",
        "petition.accepted",
        "petition.extended",
        "petition.concluded",
        "petition.delivered",
        "petition.review_requested",
        "petition.reviewed",
        "petition.review_delivered",
        "petition.recheck_requested",
        "petition.rechecked",
        "petition.recheck_delivered",
        "petition.terminated",
        "petition.closed",
        "booking.created",
        "booking.confirmed",
        "booking.scheduled",
        "booking.reviewing",
        "booking.approved",
        "booking.rejected",
        "booking.moved",
        "booking.redirected",
        "booking.cancelled",
        "session.created",
        "session.moved",
        "session.closed",
        "session.cancelled",
        "session.rescheduled",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline."""

    at: datetime
    words: str


async def handling_deadline(db: AsyncSession, petition: PetitionCase) -> Deadline:
    """Until when an answer is due (Regulations on Petition Work, Art. 34: 60 days of acceptance).

    As long as the matter was not accepted the date of registration counts, which is the stricter reading.
    """
    query = select(PetitionClock).where(
        PetitionClock.petition_id == petition.id, PetitionClock.duty == "handle"
    )
    row = (await db.scalars(query.order_by(PetitionClock.begun_at.desc()).limit(1))).first()
    if row is not None:
        return row.counted()
    start = petition.registered_at.astimezone(BEIJING).date()
    return count(profile_of(petition), CALENDAR, "handle", start)


async def list_progress(db: AsyncSession, petition: PetitionCase) -> Sequence[Step]:
    """The disclosed steps of a matter, oldest first. The caller has made sure that it is the petitioner's."""
    query = select(PetitionEvent).where(
        PetitionEvent.petition_id == petition.id, PetitionEvent.kind.in_(sorted(DISCLOSED))
    )
    rows = (await db.scalars(query.order_by(PetitionEvent.sequence))).all()
    return [Step(row.at, citizen_words("event", row.kind)) for row in rows]
