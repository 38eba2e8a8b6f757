"""Lease: which worker does what is a column; a worker that dies gives its work back by doing nothing."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from recordings.recording import CompositionState, Recording, RecordingState, load_recording

LEASE = timedelta(seconds=30)
ATTEMPTS = 5
UNCOMPOSED = (CompositionState.WAITING, CompositionState.RUNNING)
SEALED = (RecordingState.SEALED, RecordingState.ARCHIVED)


async def claim_work(db: AsyncSession, clock: Clock, owner: str) -> Recording | None:
    """Take the oldest recording that wants sealing, composing or verifying and that nobody holds; commits."""
    now = clock.now()
    free = or_(Recording.lease_until.is_(None), Recording.lease_until < now)
    wants = or_(
        Recording.state == RecordingState.STOPPED,
        and_(Recording.state == RecordingState.SEALED, Recording.composition.in_(UNCOMPOSED)),
        and_(Recording.state.in_(SEALED), Recording.verification_wanted_at.is_not(None)),
    )
    # Look before taking, so that an idle worker never asks for the write lock.
    due = await db.scalar(select(Recording.id).where(wants, free).order_by(Recording.stopped_at).limit(1))
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
