"""Marks of a sitting: 重点, 承诺, 争议, 需要关怀, each of a moment and never of a person.

A mark is an event of the session; taking it back is a second one. Nothing is changed or erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.session_events import SessionEvent
from signaling.commands import MarkKind
from signaling.mark_pushes import MarkView
from signaling.times import wire_time

SET, WITHDRAWN = "mark.set", "mark.withdrawn"
MARK_WORDS: dict[MarkKind, str] = {"key": "重点", "promise": "承诺", "dispute": "争议", "care": "需要关怀"}
# Of one sitting; more are no help to anybody who looks for a moment.
MOST_MARKS = 200


@dataclass(frozen=True)
class Mark:
    """One mark; its id is that of its event, `at` the recorder's wall clock when it was set."""

    id: str
    kind: MarkKind
    note: str
    at: datetime
    by: str
    name: str
    withdrawn_by: str | None = None

    @property
    def text(self) -> str:
        """As the timeline and the archive's search have it."""
        word = MARK_WORDS[self.kind]
        return f"{word}：{self.note}" if self.note else word

    def view(self) -> MarkView:
        """For the wire."""
        at = wire_time(self.at)
        return MarkView(self.id, self.kind, self.note, at, self.by, self.name, self.withdrawn_by)


def data_of(kind: MarkKind, note: str) -> dict[str, str]:
    """What the event of a mark holds: `text` is what people find and read."""
    word = MARK_WORDS[kind]
    return {"mark": kind, "text": f"{word}：{note}" if note else word}


def mark_of(event: SessionEvent) -> Mark | None:
    """The mark that an event set; None where it is not of ours."""
    kind: MarkKind | None = next((each for each in MARK_WORDS if each == event.data.get("mark")), None)
    if kind is None:
        return None
    note = str(event.data.get("text", "")).partition("：")[2]
    return Mark(event.id, kind, note, event.at, event.participant_id or "", event.actor_name or "")


def replayed(events: Iterable[SessionEvent]) -> dict[str, Mark]:
    """All marks by id after these events, in order, also those taken back."""
    found: dict[str, Mark] = {}
    for event in events:
        mark = mark_of(event) if event.kind == SET else None
        if mark is not None:
            found[mark.id] = mark
        elif event.kind == WITHDRAWN and (known := found.get(str(event.data.get("mark_id")))):
            found[known.id] = replace(known, withdrawn_by=event.actor_name or "")
    return found


async def find_marks(db: AsyncSession, session_id: str) -> dict[str, Mark]:
    """Of a session, for a process that takes its room over."""
    query = select(SessionEvent).where(
        SessionEvent.session_id == session_id, SessionEvent.kind.in_((SET, WITHDRAWN))
    )
    return replayed((await db.scalars(query.order_by(SessionEvent.sequence))).all())
