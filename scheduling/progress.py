"""Progress: what the law lets a petitioner know about his matter, as dates and plain words; nothing else.

The list of what is disclosed is here. An event that is not in it is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent
from cases.clock import BEIJING
from cases.vocabulary import citizen_words

# Regulations on Petition Work (2022), Art. 34: concluded within 60 days of acceptance. Where no date of
# acceptance is kept the date of registration counts, which is the stricter reading.
HANDLING = timedelta(days=60)
DISCLOSED = frozenset(
    {
        "petition.registered",
        "petition.accepted",
        "petition.concluded",
        "petition.closed",
        "booking.created",
        "booking.confirmed",
        "booking.cancelled",
        "session.created",
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


def handle_by(petition: PetitionCase) -> date:
    """The last day for an answer, as a date in Beijing."""
    return (petition.registered_at.astimezone(BEIJING) + HANDLING).date()


async def list_progress(db: AsyncSession, petition: PetitionCase) -> Sequence[Step]:
    """The disclosed steps of a matter, oldest first. The caller has made sure that it is the petitioner's."""
    query = select(PetitionEvent).where(
        PetitionEvent.petition_id == petition.id, PetitionEvent.kind.in_(sorted(DISCLOSED))
    )
    rows = (await db.scalars(query.order_by(PetitionEvent.sequence))).all()
    return [Step(row.at, citizen_words("event", row.kind)) for row in rows]
