"""Where on the film each paragraph of the minutes was said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Action, Actor, allowed
from recordings.evidence.clock_jumps import ClockJumps, read_jumps, wall_ns
from recordings.recording import Recording
from recordings.review.replay import FINISHED, length_of
from scheduling.minutes.paragraph import MinutesParagraph
from scheduling.minutes.record import Sheet
from scheduling.reach import scope_of_session
from scheduling.session import Session

# A paragraph that was begun a breath before the recording belongs to its first second.
EARLY = 2.0


@dataclass(frozen=True, slots=True)
class FilmPlace:
    """`seconds` after the beginning of a recording."""

    recording_id: str
    seconds: float

    @property
    def address(self) -> str:
        """The replay at this moment."""
        return f"/recordings/{self.recording_id}?t={self.seconds:.1f}"


def second_of(recording: Recording, jumps: ClockJumps, said: MinutesParagraph) -> float | None:
    """Seconds of the film at which a paragraph was begun; None where it was not said in this recording."""
    if said.said_at is None:
        return None
    began = wall_ns(recording.started_at)
    at = jumps.event_ns(wall_ns(said.said_at), said.monotonic_ms, began) if jumps else wall_ns(said.said_at)
    seconds = (at - began) / 1e9
    return max(0.0, seconds) if -EARLY <= seconds <= length_of(recording, jumps) else None


async def film_places(
    db: AsyncSession, actor: Actor, session: Session, sheet: Sheet, root: Path
) -> Mapping[str, FilmPlace]:
    """By paragraph id, where it can be played; empty for who may not replay. The replay logs who watches."""
    if not allowed(actor, Action.REPLAY, await scope_of_session(db, session)):
        return {}
    query = select(Recording).where(Recording.session_id == session.id, Recording.state.in_(FINISHED))
    recordings = (await db.scalars(query.order_by(Recording.started_at))).all()
    found: dict[str, FilmPlace] = {}
    for recording in recordings:
        jumps = await asyncio.to_thread(read_jumps, recording.folder(root))
        for paragraph in sheet.public:
            seconds = second_of(recording, jumps, paragraph)
            if seconds is not None:
                found.setdefault(paragraph.id, FilmPlace(recording.id, seconds))
    return found
