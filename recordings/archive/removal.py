"""Removal: originals age out once the archive was proven again; approved destructions are carried out."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, or_, select, update

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import Database
from cases.errors import Conflict
from cases.petitions import add_petition_event
from cases.policy import SYSTEM
from recordings.alarms import raise_alarm
from recordings.archive.alarm import CAUSES, destruction_trouble
from recordings.archive.archived_files import sums_of
from recordings.archive.copies import (
    LEASE,
    Archive,
    ArchiveState,
    archive_of,
    folder_in_store,
    hold_on,
    is_free,
    note_failure,
    objects_of,
    pause_after,
)
from recordings.archive.destruction import (
    DestructionProposal,
    ProposalState,
    add_destruction_record,
    require_deletable,
)
from recordings.archive.index import forget_recording
from recordings.archive.legal_hold import LegalHold, lock_recording, standing_holds
from recordings.archive.restore import prove_objects
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import ArchiveStore, StoredVersion, StoreError
from recordings.recording import Recording, RecordingState, load_recording
from scheduling.session_events import add_event

logger = logging.getLogger(__name__)

TRACKS = "tracks"  # What ages out; manifest, signature, film and the pages shown stay here.
DISTRUST = ("corrupted", "missing")
KEPT = frozenset({"still_locked", "still_held", "delete_refused"})  # By the store, and the rest may go.


class Remover:
    """Given: database, clock, settings, the name under which leases are held."""

    def __init__(self, database: Database, clock: Clock, settings: ArchiverSettings, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._owner = owner

    async def work_once(self) -> bool:
        """Carry out one destruction, or let one original age out; False when there is neither."""
        return await self._destroy_one() or await self._age_one()

    # Destruction

    async def _destroy_one(self) -> bool:
        proposal_id = await self._next_destruction()
        if proposal_id is None:
            return False
        try:
            if await self._begin(proposal_id):
                await self._carry_out(proposal_id)
        except (StoreError, OSError) as error:
            cause = _cause_of(error)
            logger.error("Destruction %s is not complete: %s", proposal_id, error)
            await self._note_delay(proposal_id, cause)
        return True

    async def _next_destruction(self) -> str | None:
        now = self._clock.now()
        due = or_(DestructionProposal.next_try_at.is_(None), DestructionProposal.next_try_at <= now)
        query = select(DestructionProposal.id).where(DestructionProposal.state == ProposalState.APPROVED, due)
        query = query.join(Archive, Archive.recording_id == DestructionProposal.recording_id)
        query = query.where(is_free(now))
        async with self._database.session() as db:
            found: str | None = await db.scalar(query.order_by(DestructionProposal.decided_at).limit(1))
            return found

    async def _begin(self, proposal_id: str) -> bool:
        """Look once more whether it may be deleted; from here on no hold can come. False: it may not."""
        async with self._database.session() as db:
            proposal = await db.get_one(DestructionProposal, proposal_id)
            recording = await lock_recording(db, proposal.recording_id)
            archive = await archive_of(db, recording.id)
            if archive is None:
                return False
            if archive.state is not ArchiveState.DESTROYING:
                try:
                    await require_deletable(db, self._clock, recording.id)
                except Conflict as error:
                    await db.refresh(proposal)
                    proposal.move_to(ProposalState.STOPPED)
                    proposal.decision = f"{proposal.decision or ''}（未执行：{error.message}）"[:1200]
                    await db.commit()
                    return False
                archive.move_to(ArchiveState.DESTROYING)
                recording.move_to(RecordingState.DESTROYED)
                recording.verification_wanted_at = None
                await forget_recording(db, recording)
            archive.lease_owner, archive.lease_until = self._owner, self._clock.now() + LEASE
            await db.commit()
            return True

    async def _carry_out(self, proposal_id: str) -> None:
        async with self._database.session() as db:
            proposal = await db.get_one(DestructionProposal, proposal_id)
            recording = await load_recording(db, proposal.recording_id)
            objects = [
                {"name": row.name, "stored_sha256": row.stored_sha256}
                for row in await objects_of(db, recording.id)
            ]
        if not await self._empty_store(proposal_id, recording, bool(objects)):
            return
        folder = recording.folder(self._settings.root)
        if folder.name == recording.id and folder.is_dir():
            await asyncio.to_thread(shutil.rmtree, folder)
        async with self._database.session() as db:
            proposal = await db.get_one(DestructionProposal, proposal_id)
            archive = await archive_of(db, recording.id)
            if archive is None or archive.lease_owner != self._owner:
                return
            record = await add_destruction_record(db, self._clock, proposal, archive, objects)
            archive.move_to(ArchiveState.DESTROYED)
            archive.lease_owner = archive.lease_until = None
            proposal.move_to(ProposalState.DONE)
            proposal.cause = proposal.next_try_at = None
            await db.flush()
            data = {"recording_id": recording.id, "record_id": record.id}
            kind = "recording.destroyed"
            await add_event(db, self._clock, recording.session_id, kind, data=data)
            await add_petition_event(db, self._clock, SYSTEM, recording.petition_id, kind, data)
            await add_audit(db, self._clock, SYSTEM, kind, "recording", recording.id, detail=data)
            await db.commit()

    async def _empty_store(self, proposal_id: str, recording: Recording, held_objects: bool) -> bool:
        """Delete every version that may go, and have the store list none; False: somebody else took over.

        Raises StoreError: the first reason why something is left, after all that could go has gone.
        """
        store = self._settings.store
        if store is None:
            if held_objects:
                raise StoreError("store_down", "no archive store is set, but objects lie in one")
            return True
        found = await self._list(store, recording)
        await self._note_found(proposal_id, found)
        kept: StoreError | None = None
        for version in found:
            if not await self._keep_lease(recording.id):
                return False
            try:
                async with asyncio.timeout(self._settings.object_seconds):
                    await store.erase(version)
            except StoreError as error:
                if error.cause not in KEPT:
                    raise
                kept = kept or error
        if kept is not None:
            raise kept
        if left := await self._list(store, recording):
            raise StoreError("still_there", f"{len(left)} versions are still there")
        return True

    async def _list(self, store: ArchiveStore, recording: Recording) -> list[StoredVersion]:
        async with asyncio.timeout(self._settings.object_seconds):
            return await store.versions(folder_in_store(recording))

    async def _note_found(self, proposal_id: str, found: list[StoredVersion]) -> None:
        """Before anything is deleted: a kill in between must not make the register shorter."""
        async with self._database.session() as db:
            proposal = await db.get_one(DestructionProposal, proposal_id)
            known = proposal.versions or []
            told = [{"name": each.name, "version": each.id, "marker": each.marker} for each in found]
            proposal.versions = known + [each for each in told if each not in known]
            await db.commit()

    async def _keep_lease(self, recording_id: str) -> bool:
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            return archive is not None and await hold_on(db, self._clock, archive.id, self._owner)

    async def _note_delay(self, proposal_id: str, cause: str) -> None:
        async with self._database.session() as db:
            proposal = await db.get_one(DestructionProposal, proposal_id)
            archive = await archive_of(db, proposal.recording_id)
            if archive is not None and archive.lease_owner == self._owner:
                archive.lease_owner = archive.lease_until = None
            proposal.attempts += 1
            proposal.cause = cause if cause in CAUSES else "worker_error"
            proposal.next_try_at = self._clock.now() + pause_after(proposal.attempts)
            recording = await load_recording(db, proposal.recording_id)
            told = destruction_trouble(recording, proposal.cause, proposal.attempts, proposal.id)
            if told is not None:
                await raise_alarm(db, self._clock, told)
            await db.commit()

    # Ageing out

    async def _age_one(self) -> bool:
        store = self._settings.store
        if store is None or not self._settings.local_days:
            return False
        recording_id = await self._claim_old()
        if recording_id is None:
            return False
        try:
            await self._prove_and_remove(recording_id, store)
        except StoreError as error:
            logger.error("The original of %s stays: %s", recording_id, error)
            async with self._database.session() as db:
                archive = await archive_of(db, recording_id)
                if archive is not None and error.cause in DISTRUST:
                    archive.distrusted_at = self._clock.now()
                await note_failure(db, self._clock, recording_id, self._owner, error.cause, str(error))
        return True

    async def _claim_old(self) -> str | None:
        now = self._clock.now()
        free = or_(Archive.lease_until.is_(None), Archive.lease_until < now)
        held = select(LegalHold.recording_id).where(LegalHold.lifted_at.is_(None))
        since = func.coalesce(Archive.restored_at, Archive.archived_at)
        query = select(Archive.recording_id).join(Recording, Recording.id == Archive.recording_id)
        query = query.where(
            Archive.state == ArchiveState.ARCHIVED,
            since <= now - timedelta(days=self._settings.local_days),
            free,
            Archive.recording_id.not_in(held),
            Recording.verification_wanted_at.is_(None),
            or_(Recording.lease_until.is_(None), Recording.lease_until < now),
        )
        async with self._database.session() as db:
            due = await db.scalar(query.order_by(Archive.archived_at).limit(1))
            if due is None:
                return None
            take = update(Archive).where(Archive.recording_id == due, free)
            take = take.values(lease_owner=self._owner, lease_until=now + LEASE)
            take = take.returning(Archive.recording_id)
            taken: str | None = await db.scalar(take.execution_options(synchronize_session=False))
            await db.commit()
            return taken

    async def _prove_and_remove(self, recording_id: str, store: ArchiveStore) -> None:
        """Read the whole copy once more; only when it equals every file here, the tracks may go."""
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            rows = await objects_of(db, recording_id)
        folder = recording.folder(self._settings.root)
        sums = await asyncio.to_thread(sums_of, folder, recording.manifest_sha256)
        current = [row for row in rows if sums.get(row.path) == (row.file_size, row.sha256)]
        if {path for path in sums if path.startswith(f"{TRACKS}/")} - {row.path for row in current}:
            raise StoreError("missing", "not every original is in the archive")
        await prove_objects(store, current, self._settings.object_seconds)
        async with self._database.session() as db:
            await lock_recording(db, recording_id)
            archive = await archive_of(db, recording_id)
            if archive is None or archive.lease_owner != self._owner:
                return
            archive.lease_owner = archive.lease_until = None
            if not await standing_holds(db, recording_id):
                archive.move_to(ArchiveState.LOCAL_REMOVED)
                archive.local_removed_at = self._clock.now()
                await add_audit(db, self._clock, SYSTEM, "original.aged_out", "recording", recording_id)
            await db.commit()
            # After the row: a kill in between leaves too much on the disk, never a row without its files.
            if archive.state is ArchiveState.LOCAL_REMOVED:
                await asyncio.to_thread(_remove_tracks, folder)


def _cause_of(error: StoreError | OSError) -> str:
    if isinstance(error, StoreError):
        return error.cause
    return "store_slow" if isinstance(error, TimeoutError) else "original_unreadable"


def _remove_tracks(folder: Path) -> None:
    """Set the originals aside by one rename, so that they are there wholly or not at all; remove them."""
    aside = folder / ".aged-out"
    (folder / TRACKS).rename(aside)
    shutil.rmtree(aside)
