"""Lease: which worker does what is a column; a worker that dies gives its work back by doing nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from recordings.archive.copies import Archive, ArchiveState
from recordings.recording import CompositionState, Recording, RecordingState, load_recording

LEASE = timedelta(seconds=30)
ATTEMPTS = 5
UNCOMPOSED = (CompositionState.WAITING, CompositionState.RUNNING)
SEALED = (RecordingState.SEALED, RecordingState.ARCHIVED)


class Lane(StrEnum):
    """Kinds of work, the most urgent first. Each goes its own way, so that none waits for a longer one."""

    SEAL = "seal"
    COMPOSE = "compose"
    VERIFY = "verify"


def here() -> ColumnElement[bool]:
    """The originals lie on this machine: they did not age out into the archive."""
    gone = select(Archive.recording_id).where(Archive.state == ArchiveState.LOCAL_REMOVED)
    return Recording.id.not_in(gone)


def _wants(lane: Lane) -> ColumnElement[bool]:
    uncomposed = and_(Recording.state.in_(SEALED), Recording.composition.in_(UNCOMPOSED))
    if lane is Lane.SEAL:
        return Recording.state == RecordingState.STOPPED
    if lane is Lane.COMPOSE:
        return and_(uncomposed, here())
    # Whoever verifies holds the lease: what is still to be composed must not wait for that.
    owed = Recording.verification_wanted_at.is_not(None)
    return and_(Recording.state.in_(SEALED), owed, not_(uncomposed), here())


async def claim_work(
    db: AsyncSession, clock: Clock, owner: str, lanes: Iterable[Lane] = Lane
) -> Recording | None:
    """Take the oldest recording that wants one of ``lanes``, the first lane first; commits.

    None when nobody wants anything, or when somebody else holds it.
    """
    for lane in lanes:
        recording = await _claim(db, clock, owner, lane)
        if recording is not None:
            return recording
    return None


async def _claim(db: AsyncSession, clock: Clock, owner: str, lane: Lane) -> Recording | None:
    now = clock.now()
    free = or_(Recording.lease_until.is_(None), Recording.lease_until < now)
    # Look before taking, so that an idle worker never asks for the write lock.
    due = await db.scalar(
        select(Recording.id).where(_wants(lane), free).order_by(Recording.stopped_at).limit(1)
    )
    if due is None:
        return None
    take = update(Recording).where(Recording.id == due, free)
    take = take.values(lease_owner=owner, lease_until=now + LEASE)
    taken = await db.scalar(take.returning(Recording.id).execution_options(synchronize_session=False))
    await db.commit()
    return await load_recording(db, taken) if taken else None


async def renew_lease(db: AsyncSession, clock: Clock, recording_id: str, owner: str) -> bool:
    """Hold on for another while; False when somebody else took over."""
    return await _change(db, recording_id, owner, lease_until=clock.now() + LEASE)


async def release_lease(
    db: AsyncSession, clock: Clock, recording_id: str, owner: str, after: timedelta
) -> bool:
    """Give the work back, to be taken again after a while."""
    return await _change(db, recording_id, owner, lease_until=clock.now() + after, lease_owner=None)


async def _change(db: AsyncSession, recording_id: str, owner: str, **values: object) -> bool:
    change = update(Recording).where(Recording.id == recording_id, Recording.lease_owner == owner)
    change = change.values(**values).returning(Recording.id)
    held = await db.scalar(change.execution_options(synchronize_session=False))
    await db.commit()
    return held is not None
