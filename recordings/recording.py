"""Recording: the row, its states, and the use cases that begin, end and find it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id, violates
from cases.errors import Conflict, NotFound
from cases.petitions import get_petition
from cases.policy import Action, Actor, require
from cases.vocabulary import names
from recordings.space import SpaceGauge, require_space
from recordings.store import RecordingStore
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session, SessionKind
from scheduling.session_events import add_event
from scheduling.transitions import require_transition

LIVE_INDEX = "uq_recordings_live_session"
LIVE_WHERE = "state IN ('initiated', 'active')"


class RecordingState(StrEnum):
    """Where the original stands."""

    INITIATED = "initiated"  # ordered, no byte on disk yet
    ACTIVE = "active"
    STOPPED = "stopped"
    SEALED = "sealed"
    ARCHIVED = "archived"
    DESTROYED = "destroyed"  # after its retention, by two officials; the row and its place in the chain stay
    FAILED = "failed"


class CompositionState(StrEnum):
    """Where the derived MP4 stands; it may be thrown away and made again."""

    NONE = "none"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


RECORDING_STATE_NAMES: Mapping[RecordingState, str] = names("recording", RecordingState)

_S = RecordingState
TRANSITIONS: Mapping[RecordingState, frozenset[RecordingState]] = {
    _S.INITIATED: frozenset({_S.ACTIVE, _S.STOPPED, _S.FAILED}),
    _S.ACTIVE: frozenset({_S.STOPPED, _S.FAILED}),
    _S.STOPPED: frozenset({_S.SEALED, _S.FAILED}),
    _S.SEALED: frozenset({_S.ARCHIVED, _S.DESTROYED}),
    _S.ARCHIVED: frozenset({_S.DESTROYED}),
    _S.DESTROYED: frozenset(),
    _S.FAILED: frozenset({_S.STOPPED}),  # Somebody repaired the disk: sealing is tried again.
}
LIVE = (_S.INITIATED, _S.ACTIVE)


class Recording(Base):
    """One recording of one session; a session stopped and begun again has two.

    Sizes in bytes, ``composed_ms`` in milliseconds, ``progress`` of the composition in per mille.
    ``layout`` is of recordings.direction, None as the session was; ``spotlight`` who is large in the layout
    of that name (a participant id); ``composing_at`` when the encoder began.
    ``chain_number`` counts the sealed recordings of the host organisation from 1. ``directory`` is relative
    to the recordings root. ``verification_wanted_at`` is set while a verification is owed, ``verified_at`` is
    when the last one began, ``patrolled_at`` when the patrol last asked for one. ``index_wanted_at`` is set
    while the archive's index lacks something of it.
    """

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("organisation_id", "chain_number"),
        Index("ix_recordings_started_at_id", "started_at", "id"),
        # Whose turn it is to be read again (recordings/watch/patrol.py).
        Index("ix_recordings_read_at", text("coalesce(verified_at, sealed_at)"), "id"),
        # Everything that is counted of an office's recordings (recordings/watch/standing.py).
        Index(
            "ix_recordings_readings",
            "organisation_id",
            "verified_at",
            "sealed_at",
            "state",
            "size",
            "chain_number",
        ),
        Index(
            LIVE_INDEX,
            "session_id",
            unique=True,
            sqlite_where=text(LIVE_WHERE),
            postgresql_where=text(LIVE_WHERE),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    state: Mapped[RecordingState] = mapped_column(index=True)
    directory: Mapped[str] = mapped_column(String(1024))
    started_at: Mapped[datetime]
    active_at: Mapped[datetime | None] = mapped_column(default=None)
    stopped_at: Mapped[datetime | None] = mapped_column(default=None)
    stop_reason: Mapped[str | None] = mapped_column(String(200), default=None)
    sealed_at: Mapped[datetime | None] = mapped_column(default=None)
    manifest_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    previous_manifest_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    chain_number: Mapped[int | None] = mapped_column(default=None)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    track_count: Mapped[int] = mapped_column(default=0)
    gap_count: Mapped[int] = mapped_column(default=0)
    composition: Mapped[CompositionState] = mapped_column(default=CompositionState.NONE)
    progress: Mapped[int] = mapped_column(default=0)
    layout: Mapped[str | None] = mapped_column(String(16), default=None)
    spotlight: Mapped[str | None] = mapped_column(String(64), default=None)
    composing_at: Mapped[datetime | None] = mapped_column(default=None)
    composed_at: Mapped[datetime | None] = mapped_column(default=None)
    composed_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    composed_size: Mapped[int | None] = mapped_column(BigInteger, default=None)
    composed_ms: Mapped[int | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None] = mapped_column(Text, default=None)
    verification_wanted_at: Mapped[datetime | None] = mapped_column(default=None)
    verified_at: Mapped[datetime | None] = mapped_column(default=None)
    patrolled_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    index_wanted_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    lease_owner: Mapped[str | None] = mapped_column(String(64), default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def playable(self) -> bool:
        """Is there a composed MP4 to replay? One that is made again plays on meanwhile."""
        return self.composition is CompositionState.DONE or self.composed_at is not None

    @property
    def sealed(self) -> bool:
        """Is there a manifest to hold the files against?"""
        return self.state in (RecordingState.SEALED, RecordingState.ARCHIVED)

    def folder(self, root: Path) -> Path:
        """The absolute folder of the files; ``root`` holds the recording folders."""
        return RecordingStore(root.resolve()).locate(self.directory)

    def move_to(self, state: RecordingState) -> None:
        """Change the state; Conflict ``bad_transition`` where the table does not permit it."""
        message = f"录像处于「{RECORDING_STATE_NAMES[self.state]}」，不能这样操作。"
        require_transition(TRANSITIONS, self.state, state, message)
        self.state = state


async def load_recording(db: AsyncSession, recording_id: str) -> Recording:
    """The row without asking the policy; the caller asks on its next line. Raises NotFound."""
    query = select(Recording).where(Recording.id == recording_id)
    recording = await db.scalar(query.execution_options(populate_existing=True))
    if recording is None:
        raise NotFound("recording_not_found", NotFound.default_message)
    return recording


async def start_recording(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    session_id: str,
    root: Path,
    gauge: SpaceGauge,
) -> Recording:
    """Begin a recording, or return the one that is running. ``root`` holds the recording folders.

    Raises Conflict ``mediation_unrecorded``, and ``disk_low`` when ``gauge`` finds too little space.
    ``recording.folder(root)`` is the absolute folder to hand to the media worker.
    """
    session = await load_session(db, session_id)
    require(actor, Action.RECORD, await scope_of_session(db, session))
    if session.kind is SessionKind.MEDIATION and not session.record:
        raise Conflict("mediation_unrecorded", "调解不录音录像。")
    running = await find_live_recording(db, session_id)
    if running is not None:
        return running
    await require_space(gauge, root)
    recording = _new_recording(clock, session, RecordingStore(root))
    try:
        db.add(recording)
        await db.flush()
    except IntegrityError as error:
        if not violates(error, LIVE_INDEX, "recordings.session_id"):
            raise
        await db.rollback()  # Somebody else began it in the same moment.
        running = await find_live_recording(db, session_id)
        if running is None:
            raise
        return running
    await add_event(
        db, clock, session_id, "recording.ordered", actor.name or None, data={"recording_id": recording.id}
    )
    await db.commit()
    return recording


def _new_recording(clock: Clock, session: Session, store: RecordingStore) -> Recording:
    recording_id = new_id()
    return Recording(
        id=recording_id,
        session_id=session.id,
        petition_id=session.case.id,
        organisation_id=session.host_organisation_id,
        state=RecordingState.INITIATED,
        directory=store.create(recording_id).name,
        started_at=clock.now(),
        index_wanted_at=clock.now(),
        size=0,
        track_count=0,
        gap_count=0,
        composition=CompositionState.NONE,
        progress=0,
        attempts=0,
    )


async def find_live_recording(db: AsyncSession, session_id: str) -> Recording | None:
    """The recording of a session that is initiated or active."""
    query = select(Recording).where(Recording.session_id == session_id, Recording.state.in_(LIVE))
    return await db.scalar(query.execution_options(populate_existing=True))


async def activate_recording(db: AsyncSession, clock: Clock, recording_id: str) -> Recording:
    """The worker said that bytes lie on the disk. Saying it twice is the same as once."""
    recording = await load_recording(db, recording_id)
    if recording.state is RecordingState.INITIATED:
        recording.move_to(RecordingState.ACTIVE)
        recording.active_at = clock.now()
        await db.commit()
    return recording


async def stop_recording(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, reason: str
) -> Recording:
    """End a recording; the recordings worker seals and composes it by itself. Idempotent."""
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.RECORD, await scope_of_session(db, session))
    if recording.state not in LIVE:
        return recording
    recording.move_to(RecordingState.STOPPED)
    recording.stopped_at, recording.stop_reason = clock.now(), reason[:200]
    recording.index_wanted_at = clock.now()
    data = {"recording_id": recording.id, "reason": reason}
    await add_event(db, clock, session.id, "recording.stopped", actor.name or None, data=data)
    await db.commit()
    return recording


async def list_recordings_of_petition(
    db: AsyncSession, actor: Actor, petition_id: str
) -> Sequence[Recording]:
    """Recordings of a case, oldest first, for whoever may see the case. Raises NotFound."""
    await get_petition(db, actor, petition_id)
    query = select(Recording).where(Recording.petition_id == petition_id)
    return (await db.scalars(query.order_by(Recording.started_at))).all()


async def list_recordings_of_session(db: AsyncSession, actor: Actor, session_id: str) -> Sequence[Recording]:
    """Recordings of a session, oldest first. Raises NotFound, also for the unseen."""
    session = await load_session(db, session_id)
    require(actor, Action.SEE_SESSION, await scope_of_session(db, session))
    query = select(Recording).where(Recording.session_id == session_id)
    return (await db.scalars(query.order_by(Recording.started_at))).all()
