"""Screening of a person (屏蔽): no picture, and a voice that their own page has altered.

The media worker drops their camera and document, and their microphone until the page has said that it
sends the altered voice. Beginning and end are events; who is screened is read from them.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.session_events import SessionEvent

BEGAN, ENDED = "veil.began", "veil.ended"


def replayed(events: Iterable[SessionEvent]) -> set[str]:
    """Participant ids of those who are screened after these events, in order."""
    found: set[str] = set()
    for event in events:
        if event.participant_id is not None:
            (found.add if event.kind == BEGAN else found.discard)(event.participant_id)
    return found


async def find_veiled(db: AsyncSession, session_id: str) -> set[str]:
    """Of a session, for a process that takes its room over."""
    query = select(SessionEvent).where(
        SessionEvent.session_id == session_id, SessionEvent.kind.in_((BEGAN, ENDED))
    )
    return replayed((await db.scalars(query.order_by(SessionEvent.sequence))).all())
