"""Replay: who may watch a recording, what is shown beside it, and the note that it was watched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, NotFound
from cases.policy import Action, Actor, require
from recordings.archive.copies import aged_out
from recordings.evidence.clock_jumps import ClockJumps, read_jumps, wall_ns
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.proof import Verification, last_verification
from recordings.recording import Recording, RecordingState, load_recording
from recordings.review.view_purpose import purpose_of, require_purpose
from recordings.store import COMPOSED_FILE
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session
from scheduling.session_events import SessionEvent, list_events

# Spans of speech are written down up to a minute after they were spoken.
NOTED_LATER = "speech.noted"
# A player asks for many ranges of one file; they are one watching.
SAME_WATCHING = timedelta(minutes=30)
# Nothing more is written into these; before sealing their files are there, but not yet proven.
FINISHED = (RecordingState.STOPPED, RecordingState.SEALED, RecordingState.ARCHIVED)


@append_only
class RecordingAccess(Base):
    """Somebody opened a recording. ``purpose`` is replay, manifest, proof or export; ``reason`` as stated.

    ``organisation_id`` is the recording's, which never changes: the audit of one office reads by it.
    """

    __tablename__ = "recording_accesses"
    __table_args__ = (Index("ix_recording_accesses_organisation_id_at", "organisation_id", "at", "id"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    at: Mapped[datetime] = mapped_column(index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    actor_kind: Mapped[str] = mapped_column(String(16))
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), index=True)
    actor_name: Mapped[str] = mapped_column(String(256))
    address: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(1200), default=None)


@dataclass(frozen=True)
class ReplayEvent:
    """One session event on the timeline; ``seconds`` from the beginning of the recording, never negative."""

    seconds: float
    at: datetime
    kind: str
    actor_name: str | None
    event: SessionEvent


@dataclass(frozen=True)
class ReplayPlan:
    """Everything a replay page shows. ``composed`` is None until the composition is done.

    ``verification`` is the last verdict on the files, None while there is none. ``originals``: the tracks can
    be played, whether or not there is a film. ``jumps``: where the wall clock was set meanwhile.
    """

    recording: Recording
    session: Session
    composed: Path | None
    duration: float
    events: tuple[ReplayEvent, ...]
    folder: Path
    verification: Verification | None
    originals: bool = False
    jumps: ClockJumps = field(default_factory=lambda: ClockJumps(()))


async def open_replay(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None, root: Path
) -> ReplayPlan:
    """Open the replay page: policy, access log, then the plan. Raises NotFound, Forbidden."""
    recording, session = await _permitted(db, actor, recording_id, Action.REPLAY)
    await note_access(db, clock, actor, recording, "replay", address)
    await db.commit()
    folder = recording.folder(root)
    jumps = await asyncio.to_thread(read_jumps, folder)
    path = folder / COMPOSED_FILE
    composed = path if recording.playable and path.is_file() else None
    verification = await last_verification(db, recording_id)
    duration = length_of(recording, jumps)
    events = await _timeline(db, recording, jumps, duration)
    originals = recording.state in FINISHED and not await aged_out(db, [recording_id])
    originals = originals and await asyncio.to_thread(_has_tracks, folder)
    return ReplayPlan(recording, session, composed, duration, events, folder, verification, originals, jumps)


async def open_composed(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None, root: Path
) -> Path:
    """The MP4 for one range request; logged unless the same person opened it just before.

    Raises NotFound, Forbidden (``purpose_required`` before the reason is stated).
    """
    recording, _ = await _permitted(db, actor, recording_id, Action.REPLAY)
    await require_purpose(db, actor, recording_id)
    path = recording.folder(root) / COMPOSED_FILE
    if not recording.playable or not path.is_file():
        raise NotFound("not_composed", "录像正在合成，请稍后再看。")
    if not await _watched_lately(db, clock, actor, recording_id):
        await note_access(db, clock, actor, recording, "replay", address)
        await db.commit()
    return path


async def open_originals(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None, root: Path
) -> tuple[Recording, Path]:
    """The recording and its folder, for one piece of a track; logged as the film is.

    Raises NotFound (``still_recording`` before it has stopped), Forbidden (``purpose_required`` before the
    reason is stated), Conflict ``original_aged_out``.
    """
    recording, _ = await _permitted(db, actor, recording_id, Action.REPLAY)
    await require_purpose(db, actor, recording_id)
    if recording.state not in FINISHED:
        raise NotFound("still_recording", "录像还没有结束，或者没有可以播放的内容。")
    if await aged_out(db, [recording_id]):
        raise Conflict("original_aged_out", "原件已按期移入归档，请先取回原件，再分路回放。")
    if not await _watched_lately(db, clock, actor, recording_id):
        await note_access(db, clock, actor, recording, "replay", address)
        await db.commit()
    return recording, recording.folder(root)


async def open_manifest(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None, root: Path
) -> Path:
    """The manifest of a sealed recording; logged. Raises NotFound before sealing."""
    recording, _ = await _permitted(db, actor, recording_id, Action.SEE_MANIFEST)
    path = recording.folder(root) / MANIFEST_FILE
    if recording.manifest_sha256 is None or not path.is_file():
        raise NotFound("not_sealed", "录像还没有封存。")
    await note_access(db, clock, actor, recording, "manifest", address)
    await db.commit()
    return path


async def _permitted(
    db: AsyncSession, actor: Actor, recording_id: str, action: Action
) -> tuple[Recording, Session]:
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, action, await scope_of_session(db, session))
    return recording, session


async def note_access(
    db: AsyncSession, clock: Clock, actor: Actor, recording: Recording, purpose: str, address: str | None
) -> None:
    """Write down that somebody opened something of a recording, in the caller's transaction."""
    stated = await purpose_of(db, actor, recording.id)
    db.add(
        RecordingAccess(
            id=new_id(),
            recording_id=recording.id,
            organisation_id=recording.organisation_id,
            at=clock.now(),
            purpose=purpose,
            actor_kind=str(actor.kind),
            official_id=actor.official_id,
            actor_name=actor.name,
            address=address[:64] if address else None,
            reason=stated.text if stated else None,
        )
    )
    detail = {"purpose": purpose, "petition_id": recording.petition_id}
    await add_audit(
        db, clock, actor, "recording.opened", "recording", recording.id, detail=detail, address=address
    )


async def _watched_lately(db: AsyncSession, clock: Clock, actor: Actor, recording_id: str) -> bool:
    query = select(RecordingAccess.id).where(
        RecordingAccess.recording_id == recording_id,
        RecordingAccess.official_id == actor.official_id,
        RecordingAccess.at > clock.now() - SAME_WATCHING,
    )
    return actor.official_id is not None and await db.scalar(query.limit(1)) is not None


def _has_tracks(folder: Path) -> bool:
    tracks = folder / "tracks"
    return tracks.is_dir() and next(tracks.iterdir(), None) is not None


def length_of(recording: Recording, jumps: ClockJumps) -> float:
    """How long it is in seconds, never negative: of the film, or by the clock of the recording's start."""
    if recording.composed_ms is not None:
        return recording.composed_ms / 1000
    return jumps.seconds(recording.started_at, recording.stopped_at or recording.started_at)


async def _timeline(
    db: AsyncSession, recording: Recording, jumps: ClockJumps, length: float
) -> tuple[ReplayEvent, ...]:
    """Events from the recording's start to its stop, and notes made later of what was spoken before."""
    found = []
    began_ns = near = wall_ns(recording.started_at)
    for event in await list_events(db, recording.session_id):
        at = event.at
        if jumps:
            near = jumps.event_ns(wall_ns(at), event.monotonic_ms, near)
            at = datetime.fromtimestamp(near / 1e9, UTC)
        seconds = (wall_ns(at) - began_ns) / 1e9
        if seconds <= length + 1 or event.kind == NOTED_LATER:
            found.append(ReplayEvent(max(0.0, seconds), at, event.kind, event.actor_name, event))
    return tuple(found)


async def list_accesses(db: AsyncSession, actor: Actor, recording_id: str) -> list[RecordingAccess]:
    """Who opened a recording, newest first, for whoever may see its manifest."""
    await _permitted(db, actor, recording_id, Action.SEE_MANIFEST)
    query = select(RecordingAccess).where(RecordingAccess.recording_id == recording_id)
    return list((await db.scalars(query.order_by(RecordingAccess.at.desc()))).all())
