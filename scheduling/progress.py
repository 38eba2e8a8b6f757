"""Progress: what the law lets a petitioner know about his matter, as dates and plain words; nothing else.

The list of what is disclosed is a table here. An event that is not in it is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent
from cases.clock import BEIJING

# Regulations on Petition Work (2022), Art. 34: concluded within 60 days of acceptance. Where no date of
# acceptance is kept the date of registration counts, which is the stricter reading.
HANDLING = timedelta(days=60)
DISCLOSED: Mapping[str, str] = {
    "petition.registered": "登记",
    "petition.accepted": "受理",
    "petition.concluded": "办结",
    "petition.closed": "归档",
    "booking.created": "预约接访",
    "booking.confirmed": "预约已确认",
    "booking.cancelled": "预约已取消",
    "session.created": "安排视频接访",
    "session.closed": "视频接访已进行",
    "session.cancelled": "接访已取消",
    "session.rescheduled": "接访改期",
}


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
    return [Step(row.at, DISCLOSED[row.kind]) for row in rows]
