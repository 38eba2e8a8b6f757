"""Holds at the store: what a legal hold of this program is to the archive store itself (S3 legal hold).

The program refuses to delete what is held; the store's own hold binds also whoever has access to the bucket
without this program. Which objects have to be held is read from the holds that stand, never from a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, insert_if_absent
from recordings.alarms import Trouble
from recordings.archive.alarm import hold_trouble
from recordings.archive.copies import Archive, ArchiveState, folder_in_store, is_free, take
from recordings.archive.legal_hold import LegalHold, standing_holds
from recordings.archive.store import ArchiveStore, StoreError
from recordings.archive.store_task import StoreTask
from recordings.archive.trying import Trying
from recordings.recording import Recording, load_recording
from scheduling.transitions import require_transition


class StoreHoldState(StrEnum):
    """What is known of the objects of one recording."""

    UNSURE = "unsure"  # Some may be held and some not.
    PUT = "put"  # Each was held when it was looked at, and the store said so.
    LIFTED = "lifted"  # None was.


_S = StoreHoldState
TRANSITIONS: Mapping[StoreHoldState, frozenset[StoreHoldState]] = {
    _S.UNSURE: frozenset({_S.UNSURE, _S.PUT, _S.LIFTED}),
    _S.PUT: frozenset({_S.UNSURE}),
    _S.LIFTED: frozenset({_S.UNSURE}),
}
# With objects in the store, and nobody writing to it.
SETTLED = (ArchiveState.ARCHIVED, ArchiveState.FAILED, ArchiveState.LOCAL_REMOVED, ArchiveState.DESTROYING)


class StoreHold(Trying, Base):
    """One row for each recording whose objects had a hold at the store at any time."""

    __tablename__ = "store_holds"

    recording_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("recordings.id"), primary_key=True
    )
    state: Mapped[StoreHoldState]
    objects: Mapped[int] = mapped_column(default=0)

    def move_to(self, state: StoreHoldState) -> None:
        """Change the state; Conflict ``bad_transition`` where the table does not permit it."""
        require_transition(TRANSITIONS, self.state, state, "归档存储的锁定不能这样改变。")
        self.state = state


async def begin_writing(db: AsyncSession, recording_id: str) -> bool:
    """Whether objects that are written now have to be held from their first moment; commits.

    From here on nobody knows which of them are, until a ``Holder`` has looked at each.
    """
    held = bool(await standing_holds(db, recording_id))
    known = await db.get(StoreHold, recording_id, populate_existing=True)
    if held or (known is not None and known.state is not StoreHoldState.LIFTED):
        await _doubt(db, recording_id)
    return held


async def _doubt(db: AsyncSession, recording_id: str) -> None:
    await insert_if_absent(
        db, StoreHold, recording_id=recording_id, state=StoreHoldState.UNSURE, objects=0, attempts=0
    )
    row = await db.get_one(StoreHold, recording_id, populate_existing=True)
    row.move_to(StoreHoldState.UNSURE)
    await db.commit()


async def store_holds_of(db: AsyncSession, recording_ids: list[str]) -> dict[str, StoreHold]:
    """By recording; without asking the policy."""
    query = select(StoreHold).where(StoreHold.recording_id.in_(recording_ids))
    return {row.recording_id: row for row in await db.scalars(query)}


class Holder(StoreTask):
    """Puts legal holds on the objects in the store and lifts them."""

    WHAT, ROW = "The hold", StoreHold

    async def _claim(self) -> str | None:
        now = self._clock.now()
        standing = exists().where(
            LegalHold.recording_id == Archive.recording_id, LegalHold.lifted_at.is_(None)
        )
        # Both begin with few rows, the holds that stand and those of the store, however large the archive is.
        held = select(LegalHold.recording_id).where(LegalHold.lifted_at.is_(None))
        put = select(StoreHold.recording_id).where(StoreHold.state == StoreHoldState.PUT)
        on = select(StoreHold.recording_id).where(StoreHold.state != StoreHoldState.LIFTED)
        early = select(StoreHold.recording_id).where(StoreHold.due_at > now)
        wants = or_(
            and_(Archive.recording_id.in_(held), Archive.recording_id.not_in(put)),
            and_(Archive.recording_id.in_(on), ~standing),
        )
        query = select(Archive.recording_id).where(
            wants, Archive.state.in_(SETTLED), is_free(now), Archive.recording_id.not_in(early)
        )
        async with self._database.session() as db:
            due: str | None = await db.scalar(query.order_by(Archive.recording_id).limit(1))
            if due is None or not await take(db, self._clock, due, self._owner):
                return None
            return due

    async def _carry_out(self, recording_id: str, store: ArchiveStore) -> None:
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            on = bool(await standing_holds(db, recording_id))
            await _doubt(db, recording_id)
        async with asyncio.timeout(self._settings.object_seconds):
            names = await store.names(folder_in_store(recording))
        for name in names:
            if not await self._keep_lease(recording_id):
                return
            async with asyncio.timeout(self._settings.object_seconds):
                if await store.is_held(name) is not on:
                    await store.set_hold(name, on)
                    if await store.is_held(name) is not on:
                        raise StoreError("hold_refused", f"{name}: the store took it and did not do it")
        async with self._database.session() as db:
            row = await db.get_one(StoreHold, recording_id, populate_existing=True)
            row.move_to(StoreHoldState.PUT if on else StoreHoldState.LIFTED)
            row.objects = len(names)
            await db.commit()

    def _trouble(self, recording: Recording, cause: str, attempts: int, now: datetime) -> Trouble | None:
        return hold_trouble(recording, cause, attempts, now)
