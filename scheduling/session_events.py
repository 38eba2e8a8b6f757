"""What happened in a session, in order. Rows are only ever added."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import NotFound
from cases.fields import clean
from scheduling.session import Session

# From the door of the waiting room to that of the room; the figures ask for these two of many sessions.
WAITS = ("participant.joined", "participant.admitted")
_ARE_WAITS = text(f"kind IN ('{WAITS[0]}', '{WAITS[1]}')")


@append_only
class SessionEvent(Base):
    """One event. `sequence` counts from 1 without gaps; `monotonic_ms` is this machine's steady clock."""

    __tablename__ = "session_events"
    __table_args__ = (
        UniqueConstraint("session_id", "sequence"),
        Index(
            "ix_session_events_waits", "session_id", "participant_id",
            sqlite_where=_ARE_WAITS, postgresql_where=_ARE_WAITS,
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    monotonic_ms: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str | None] = mapped_column(String(256))
    participant_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    data: Mapped[dict[str, Any]]


async def add_event(
    db: AsyncSession, clock: Clock, session_id: str, kind: str, actor_name: str | None = None,
    participant_id: str | None = None, data: dict[str, Any] | None = None,
) -> SessionEvent:  # fmt: skip
    """Append inside the caller's transaction; `kind` is `noun.participle`. Raises NotFound.

    Appenders to one session take turns on its row, hence the sequence has neither gaps nor doubles.
    """
    advance = update(Session).where(Session.id == session_id).values(event_count=Session.event_count + 1)
    sequence = await db.scalar(advance.returning(Session.event_count))
    if sequence is None:
        raise NotFound("session_not_found", NotFound.default_message)
    event = SessionEvent(
        id=new_id(), session_id=session_id, sequence=sequence, at=clock.now(),
        monotonic_ms=time.monotonic_ns() // 1_000_000, kind=kind,
        actor_name=clean(actor_name) if actor_name else None, participant_id=participant_id, data=data or {},
    )  # fmt: skip
    db.add(event)
    await db.flush()
    return event


async def append_event(
    db: AsyncSession, clock: Clock, session_id: str, kind: str, actor_name: str | None = None,
    participant_id: str | None = None, data: dict[str, Any] | None = None,
) -> SessionEvent:  # fmt: skip
    """Append as `add_event` does, and commit."""
    event = await add_event(db, clock, session_id, kind, actor_name, participant_id, data)
    await db.commit()
    return event


async def list_events(db: AsyncSession, session_id: str, after: int = 0) -> Sequence[SessionEvent]:
    """Return the events with a sequence above `after`, in order. The caller has asked the policy."""
    query = select(SessionEvent).where(SessionEvent.session_id == session_id, SessionEvent.sequence > after)
    return (await db.scalars(query.order_by(SessionEvent.sequence))).all()


async def events_of_kinds(
    db: AsyncSession, session_id: str, kinds: Collection[str]
) -> Sequence[SessionEvent]:
    """Return the events of these kinds, in order. The caller has asked the policy."""
    query = select(SessionEvent).where(SessionEvent.session_id == session_id, SessionEvent.kind.in_(kinds))
    return (await db.scalars(query.order_by(SessionEvent.sequence))).all()
