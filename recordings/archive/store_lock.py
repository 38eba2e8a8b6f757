"""Locks at the store: until when the store itself keeps each object (S3 object lock, compliance mode).

An object is locked when it is written; when its recording is kept longer since (a retention class became
longer), what lies there already is locked for longer too. A lock is never made shorter. Which recordings have
to be looked at is read from their rows, never from a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, insert_if_absent
from recordings.alarms import Trouble
from recordings.archive.alarm import lock_trouble
from recordings.archive.copies import Archive, ArchiveState, archive_of, folder_in_store, is_free, take
from recordings.archive.retention import lock_end
from recordings.archive.store import ArchiveStore, StoreError
from recordings.archive.store_task import StoreTask
from recordings.archive.trying import Trying
from recordings.recording import Recording, load_recording


class StoreLockState(StrEnum):
    """What is known of the objects of one recording."""

    UNSURE = "unsure"  # Some may be locked for too short, or not at all.
    LOCKED = "locked"  # Each was locked until ``until`` when it was looked at, and the store said so.


_S = StoreLockState
TRANSITIONS: Mapping[StoreLockState, frozenset[StoreLockState]] = {
    _S.UNSURE: frozenset({_S.UNSURE, _S.LOCKED}),
    _S.LOCKED: frozenset({_S.UNSURE}),
}
BEFORE_LOCKED = [state for state, onward in TRANSITIONS.items() if _S.LOCKED in onward]
# With objects in the store that stay there, and nobody writing to it.
SETTLED = (ArchiveState.ARCHIVED, ArchiveState.FAILED, ArchiveState.LOCAL_REMOVED)


class StoreLock(Trying, Base):
    """One row for each recording of which something was ever written to the store.

    ``doubts`` counts how often it became unsure: what was seen before the last time says nothing after it.
    """

    __tablename__ = "store_locks"

    recording_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("recordings.id"), primary_key=True
    )
    state: Mapped[StoreLockState] = mapped_column(index=True)
    until: Mapped[datetime | None] = mapped_column(default=None)
    objects: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)


async def doubt_lock(db: AsyncSession, recording_id: str) -> None:
    """Objects of this recording are written from here on: look at all of them afterwards. Commits."""
    await insert_if_absent(
        db, StoreLock, recording_id=recording_id, state=StoreLockState.UNSURE, objects=0, doubts=0, attempts=0
    )
    await doubt_locks(db, [recording_id])
    await db.commit()


async def doubt_locks(db: AsyncSession, recording_ids: Sequence[str]) -> None:
    """These are kept longer from now on, inside the caller's transaction; each is looked at once more.

    Where nothing was written yet nothing lies there that could be locked for too short.
    """
    change = update(StoreLock).where(StoreLock.recording_id.in_(recording_ids))
    change = change.values(state=StoreLockState.UNSURE, doubts=StoreLock.doubts + 1, due_at=None)
    await db.execute(change, execution_options={"synchronize_session": False})


async def store_locks_of(db: AsyncSession, recording_ids: Sequence[str]) -> dict[str, StoreLock]:
    """By recording; without asking the policy."""
    query = select(StoreLock).where(StoreLock.recording_id.in_(recording_ids))
    return {row.recording_id: row for row in await db.scalars(query)}


class Locker(StoreTask):
    """Has the store keep each object for as long as its recording is kept."""

    WHAT, ROW = "The lock", StoreLock

    async def _claim(self) -> str | None:
        now = self._clock.now()
        due = or_(StoreLock.due_at.is_(None), StoreLock.due_at <= now)
        query = select(StoreLock.recording_id).join(Archive, Archive.recording_id == StoreLock.recording_id)
        query = query.where(StoreLock.state == StoreLockState.UNSURE, due)
        query = query.where(Archive.state.in_(SETTLED), is_free(now))
        async with self._database.session() as db:
            found: str | None = await db.scalar(query.order_by(StoreLock.recording_id).limit(1))
            if found is None or not await take(db, self._clock, found, self._owner):
                return None
            return found

    async def _carry_out(self, recording_id: str, store: ArchiveStore) -> None:
        async with self._database.session() as db:
            recording, archive = await load_recording(db, recording_id), await archive_of(db, recording_id)
            row = await db.get_one(StoreLock, recording_id, populate_existing=True)
            doubts = row.doubts
        if archive is None:
            return
        until = lock_end(recording.started_at, archive.keep_until)
        async with asyncio.timeout(self._settings.object_seconds):
            names = await store.names(folder_in_store(recording))
        # What may be deleted by now needs no lock, and a store takes none that has ended.
        for name in names if until > self._clock.now() else ():
            if not await self._keep_lease(recording_id):
                return
            async with asyncio.timeout(self._settings.object_seconds):
                await _lengthen(store, name, until)
        async with self._database.session() as db:
            change = update(StoreLock).where(StoreLock.recording_id == recording_id)
            change = change.where(StoreLock.doubts == doubts, StoreLock.state.in_(BEFORE_LOCKED))
            change = change.values(state=StoreLockState.LOCKED, until=until, objects=len(names))
            await db.execute(change, execution_options={"synchronize_session": False})
            await db.commit()

    def _trouble(self, recording: Recording, cause: str, attempts: int, now: datetime) -> Trouble | None:
        return lock_trouble(recording, cause, attempts, now)


async def _lengthen(store: ArchiveStore, name: str, until: datetime) -> None:
    if _long_enough(await store.locked_until(name), until):
        return
    await store.lock_until(name, until)
    if not _long_enough(await store.locked_until(name), until):
        raise StoreError("lock_refused", f"{name}: the store took it and did not do it")


def _long_enough(found: datetime | None, wanted: datetime) -> bool:
    return found is not None and found >= wanted
