"""Archiver: copies sealed recordings to the archive store, reads back, compares, tries until it is so."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database, new_id
from recordings.archive.archived_files import pieces_of, read_piece, sum_of, sums_of
from recordings.archive.class_change import classes_in_force
from recordings.archive.copies import (
    Archive,
    ArchiveObject,
    ArchiveState,
    archive_of,
    claim_archive,
    enrol,
    folder_in_store,
    hold_on,
    note_failure,
    objects_of,
)
from recordings.archive.key import ArchiveKey, key_of_session
from recordings.archive.objects import Piece, encrypt
from recordings.archive.page_reading import PageReader, expect_reading
from recordings.archive.removal import Remover
from recordings.archive.retention import lock_end
from recordings.archive.returning import Returner
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import AlreadyWritten, ArchiveStore, StoreError
from recordings.archive.store_hold import Holder, begin_writing
from recordings.archive.store_lock import Locker, doubt_lock
from recordings.evidence.manifest import canonical, moment_text
from recordings.recording import Recording, RecordingState, load_recording
from scheduling.session_events import add_event

logger = logging.getLogger(__name__)

INDEX_FORMAT = "lianxin-archive-index"


class LeaseLost(Exception):
    """Somebody else works on the archive now."""


class Archiver:
    """Given: database, clock, settings. Owned: the lease of the archive it works on."""

    def __init__(self, database: Database, clock: Clock, settings: ArchiverSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self.owner = f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[:8]}"
        self._remover = Remover(database, clock, settings, self.owner)
        self._returner = Returner(database, clock, settings, self.owner)
        self._holder = Holder(database, clock, settings, self.owner)
        self._locker = Locker(database, clock, settings, self.owner)
        self._reader = PageReader(database, clock, settings, self.owner)

    async def run(self) -> None:
        """Work until cancelled. A broken database is logged and tried again."""
        while True:
            try:
                busy = await self.work_once()
            except Exception:  # noqa: BLE001
                logger.exception("The archiver stumbled; it goes on")
                busy = False
            if not busy:
                await asyncio.sleep(self._settings.poll_seconds)

    async def work_once(self) -> bool:
        """Do one piece of work; False when there is none."""
        # Holds and locks first: what stands in the way of a deletion must not wait for a long copy.
        for work in (
            self._holder.work_once, self._locker.work_once, self._returner.work_once, self._copy_one,
            self._remover.work_once, self._reader.work_once,
        ):  # fmt: skip
            if await work():
                return True
        return False

    async def _copy_one(self) -> bool:
        async with self._database.session() as db:
            classes = await classes_in_force(db, self._settings.classes)
            await enrol(db, classes[self._settings.retention])
            if self._settings.store is None:
                return False
            archive = await claim_archive(db, self._clock, self.owner)
        if archive is None:
            return False
        try:
            await self._copy(archive, self._settings.store)
        except LeaseLost:
            logger.warning("The lease of archive %s was lost", archive.id)
        except StoreError as error:
            await self._note_failure(archive.recording_id, error.cause, str(error))
        except asyncio.CancelledError:
            await self._give_back(archive.recording_id)
            raise
        except Exception as error:  # noqa: BLE001
            logger.exception("Archiving recording %s failed", archive.recording_id)
            await self._note_failure(archive.recording_id, "worker_error", str(error))
        return True

    # Copying

    async def _copy(self, archive: Archive, store: ArchiveStore) -> None:
        """Copy every file that is not proven to lie in the store, then the index. Raises StoreError."""
        async with self._database.session() as db:
            recording = await load_recording(db, archive.recording_id)
            key, wrapped = await key_of_session(
                db, self._clock, self._settings.key_file, recording.session_id
            )
            proven = {(row.path, row.part, row.sha256) for row in await objects_of(db, recording.id)}
            held = await begin_writing(db, recording.id)
            await doubt_lock(db, recording.id)
            until = lock_end(recording.started_at, archive.keep_until)
        folder = recording.folder(self._settings.root)
        sums = await asyncio.to_thread(sums_of, folder, recording.manifest_sha256)
        # A store takes no lock that has ended.
        locked = until if until > self._clock.now() else None
        copying = _Copying(archive, recording, folder, store, key, wrapped, held, locked)
        for path, (size, digest) in sums.items():
            for piece in pieces_of(recording.id, path, size, digest, self._settings.part):
                if (path, piece.part, digest) not in proven:
                    await self._copy_piece(copying, piece)
            in_parts = size > self._settings.part
            if in_parts and await asyncio.to_thread(sum_of, folder / path) != (size, digest):
                raise StoreError("original_changed", f"{path} changed while it was copied")
        await self._finish(copying, sums)

    async def _copy_piece(self, copying: _Copying, piece: Piece) -> None:
        plain = await asyncio.to_thread(read_piece, copying.folder, piece)
        if piece.parts == 1 and hashlib.sha256(plain).hexdigest() != piece.file_sha256:
            raise StoreError("original_changed", f"{piece.path} changed while it was copied")
        data = await asyncio.to_thread(
            encrypt, piece, plain, copying.key, copying.wrapped.statement(), os.urandom(16)
        )
        name = copying.name(f"{piece.path}.{piece.part:04}.lxa")
        await self._write_and_compare(copying, name, data)
        async with self._database.session() as db:
            db.add(
                ArchiveObject(
                    id=new_id(), recording_id=piece.recording_id, path=piece.path, part=piece.part,
                    parts=piece.parts, file_size=piece.file_size, sha256=piece.file_sha256, name=name,
                    stored_size=len(data), stored_sha256=hashlib.sha256(data).hexdigest(),
                    proved_at=self._clock.now(),
                )
            )  # fmt: skip
            await db.commit()

    async def _write_and_compare(self, copying: _Copying, name: str, data: bytes) -> None:
        """Write, read back, compare. Raises StoreError; what lies there then stays and is not counted."""
        async with self._database.session() as db:
            if not await hold_on(db, self._clock, copying.archive.id, self.owner):
                raise LeaseLost
        try:
            async with asyncio.timeout(self._settings.object_seconds):
                await copying.store.put_new(name, data, copying.locked_until, copying.held)
                back = await copying.store.get(name)
        except TimeoutError as error:
            raise StoreError("store_slow", name) from error
        except AlreadyWritten as error:
            raise StoreError("corrupted", f"{name} is there, though nobody wrote it") from error
        if back != data:
            raise StoreError("corrupted", f"{name} came back different")

    async def _finish(self, copying: _Copying, sums: Mapping[str, tuple[int, str]]) -> None:
        """The index goes last: where it lies, everything it names was read back."""
        async with self._database.session() as db:
            rows = [row for row in await objects_of(db, copying.recording.id)]
        current = [row for row in rows if sums.get(row.path) == (row.file_size, row.sha256)]
        index = index_of(copying.recording, current, moment_text(self._clock.now()))
        await self._write_and_compare(copying, copying.name("index.json"), index)
        async with self._database.session() as db:
            archive = await archive_of(db, copying.recording.id)
            if archive is None or archive.lease_owner != self.owner:
                raise LeaseLost
            archive.move_to(ArchiveState.ARCHIVED)
            archive.archived_at, archive.object_count = self._clock.now(), len(current)
            archive.stored_size = sum(row.stored_size for row in current)
            archive.attempts, archive.cause, archive.trouble = 0, None, None
            archive.failing_since = archive.next_try_at = None
            archive.lease_owner = archive.lease_until = None
            await expect_reading(db, self._clock, copying.recording.id, self._settings)
            await self._tell(db, copying.recording.id, len(current))
            await db.commit()

    async def _tell(self, db: AsyncSession, recording_id: str, objects: int) -> None:
        recording = await load_recording(db, recording_id)
        if recording.state is not RecordingState.SEALED:
            return
        recording.move_to(RecordingState.ARCHIVED)
        await db.flush()
        data = {"recording_id": recording_id, "objects": objects}
        await add_event(db, self._clock, recording.session_id, "recording.archived", data=data)

    # Failing

    async def _note_failure(self, recording_id: str, cause: str, trouble: str) -> None:
        logger.error("Recording %s is not archived: %s (%s)", recording_id, cause, trouble)
        async with self._database.session() as db:
            await note_failure(db, self._clock, recording_id, self.owner, cause, trouble)

    async def _give_back(self, recording_id: str) -> None:
        """Told to stop: a successor need not wait for the lease."""
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is not None and archive.lease_owner == self.owner:
                archive.move_to(ArchiveState.WAITING)
                archive.lease_owner = archive.lease_until = None
                await db.commit()


@dataclass(frozen=True)
class _Copying:
    """What one attempt works with."""

    archive: Archive
    recording: Recording
    folder: Path
    store: ArchiveStore
    key: bytes
    wrapped: ArchiveKey
    held: bool  # by a legal hold, from the first moment on
    locked_until: datetime | None

    def name(self, tail: str) -> str:
        """A name no attempt before used: a written object is never overwritten."""
        return f"{folder_in_store(self.recording)}/{self.archive.copies:05}/{tail}"


def index_of(recording: Recording, objects: list[ArchiveObject], now: str | None) -> bytes:
    """Canonical JSON that names every object; with the master key it is enough to restore by."""
    return canonical(
        {
            "format": INDEX_FORMAT,
            "version": 1,
            "recording_id": recording.id,
            "manifest_sha256": recording.manifest_sha256,
            "written_at": now,
            "objects": [
                {
                    "name": row.name, "path": row.path, "part": row.part, "parts": row.parts,
                    "file_size": row.file_size, "sha256": row.sha256,
                    "stored_size": row.stored_size, "stored_sha256": row.stored_sha256,
                }
                for row in objects
            ],
        }
    )  # fmt: skip


async def run_archiver(database: Database, clock: Clock, settings: ArchiverSettings) -> None:
    """Copy until cancelled."""
    await Archiver(database, clock, settings).run()
