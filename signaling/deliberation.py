"""The officials' private deliberation: who confers, since when, and when all come back. Pure but for `find`.

What keeps it private is the partition in the media worker (media/partition.py). Its beginning and end are
events of the session, in this order: the worker parts the room, the beginning is written, the pages are
told; the end is written, the worker opens the room. So no recorded packet lies between the two events, and
a web process that dies on the way leaves nobody parted of whom it is not written, and nobody heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.session_events import SessionEvent
from signaling.pushes import DeliberationView
from signaling.times import wire_time

BEGAN, RETURNING, ENDED = "deliberation.began", "deliberation.returning", "deliberation.ended"
CAUSE = "deliberation"
# Everybody reads this countdown before the citizen hears and sees the room again.
COUNTDOWN = timedelta(seconds=10)


@dataclass
class Deliberation:
    """``people`` are the participant ids of those who confer; whoever is not named is outside.

    ``confirmed`` once the worker has parted the room and the beginning is written; nobody reads of it before.
    """

    people: frozenset[str]
    since: datetime
    returns_at: datetime | None = None
    confirmed: bool = False

    def due(self, now: datetime) -> bool:
        """Whether the countdown is over."""
        return self.returns_at is not None and now >= self.returns_at

    def view(self, for_inside: bool) -> DeliberationView | None:
        """For the wire; who confers is the business of those who do."""
        if not self.confirmed:
            return None
        people = sorted(self.people) if for_inside else []
        return DeliberationView(wire_time(self.since), wire_time(self.returns_at), for_inside, people)


def groups_of(deliberation: Deliberation | None) -> list[list[str]]:
    """As the media worker is told."""
    return [sorted(deliberation.people)] if deliberation is not None else []


def replayed(events: Iterable[SessionEvent]) -> Deliberation | None:
    """The deliberation that stands after these events, in order; None when there is none."""
    found: Deliberation | None = None
    for event in events:
        if event.kind == BEGAN:
            people = frozenset(str(who) for who in event.data.get("participants", ()))
            found = Deliberation(people, event.at, confirmed=True)
        elif event.kind == RETURNING and found is not None:
            found.returns_at = event.at + COUNTDOWN
        elif event.kind == ENDED:
            found = None
    return found


async def find_deliberation(db: AsyncSession, session_id: str) -> Deliberation | None:
    """The one that stands by the session's events, for a process that takes the room over."""
    query = select(SessionEvent).where(
        SessionEvent.session_id == session_id, SessionEvent.kind.in_((BEGAN, RETURNING, ENDED))
    )
    return replayed((await db.scalars(query.order_by(SessionEvent.sequence))).all())
