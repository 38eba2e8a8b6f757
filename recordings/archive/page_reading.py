"""Patrol of archived pages: the copies of shown materials are read back and proven within the period.

The originals of the pages stay on this machine and are read with the recording (recordings/watch/patrol.py);
of their copies nobody would know that they are spoilt until they are needed. Nothing is deleted: where the
recording's own files are still here, they are copied anew under other names.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base, Database, insert_if_absent
from recordings.alarms import AlarmKind, Trouble, raise_alarm
from recordings.archive.alarm import copying_trouble
from recordings.archive.archived_files import sum_of
from recordings.archive.copies import (
    Archive,
    ArchiveState,
    archive_of,
    hold_on,
    is_free,
    objects_of,
    pause_after,
    take,
)
from recordings.archive.key import load_master
from recordings.archive.proof import prove_pages
from recordings.archive.restore import Patient, Readable
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import StoreError
from recordings.archive.trying import Trying
from recordings.evidence.exhibits import EXHIBITS
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verdict import Verdict
from recordings.recording import Recording, load_recording

logger = logging.getLogger(__name__)

READABLE = (ArchiveState.ARCHIVED, ArchiveState.LOCAL_REMOVED)
ROUND_SHARE = 0.8  # of the period; the rest is for machines and stores that stood still.
MOST_TOLD = 100  # findings in one alarm


class PageReading(Trying, Base):
    """One row for each archived recording in which pages were shown. ``due_at``: when they are read again.

    ``read_at``, ``whole_at``: when they were last read, and last found whole.
    """

    __tablename__ = "page_readings"

    recording_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("recordings.id"), primary_key=True
    )
    read_at: Mapped[datetime | None] = mapped_column(default=None)
    whole_at: Mapped[datetime | None] = mapped_column(default=None)


async def expect_reading(
    db: AsyncSession, clock: Clock, recording_id: str, settings: ArchiverSettings
) -> None:
    """What was just written and read back is read again in time; inside the caller's transaction."""
    if not any(row.path.startswith(f"{EXHIBITS}/") for row in await objects_of(db, recording_id)):
        return
    due = clock.now() + settings.verify_period * ROUND_SHARE
    await insert_if_absent(db, PageReading, recording_id=recording_id, attempts=0, due_at=due)
    row = await db.get_one(PageReading, recording_id, populate_existing=True)
    row.note_success(due)


class PageReader:
    """Given: database, clock, settings, the name under which leases are held."""

    def __init__(self, database: Database, clock: Clock, settings: ArchiverSettings, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._owner = owner

    async def work_once(self) -> bool:
        """Read the archived pages of one recording; False when none is due."""
        store = self._settings.store
        if store is None:
            return False
        recording_id = await self._claim()
        if recording_id is None:
            return False
        cause, verdict = "", None
        try:
            verdict = await self._read(recording_id, Patient(store, self._settings.object_seconds))
        except StoreError as error:
            cause = error.cause
        except OSError:
            cause = "original_unreadable"
        await self._lay_down(recording_id, cause, verdict)
        return True

    async def _claim(self) -> str | None:
        now = self._clock.now()
        query = select(PageReading.recording_id)
        query = query.join(Archive, Archive.recording_id == PageReading.recording_id)
        query = query.where(PageReading.due_at <= now, Archive.state.in_(READABLE), is_free(now))
        async with self._database.session() as db:
            first = query.order_by(PageReading.due_at, PageReading.recording_id).limit(1)
            due: str | None = await db.scalar(first)
            if due is None or not await take(db, self._clock, due, self._owner):
                return None
            return due

    async def _read(self, recording_id: str, store: Readable) -> Verdict:
        """What the copies are, by the manifest that was sealed. Raises StoreError, OSError."""
        async with self._database.session() as db:
            recording, rows = await load_recording(db, recording_id), await objects_of(db, recording_id)
        folder = recording.folder(self._settings.root)
        _, digest = await asyncio.to_thread(sum_of, folder / MANIFEST_FILE)
        if digest != recording.manifest_sha256:
            raise StoreError("original_changed", MANIFEST_FILE)
        master = load_master(self._settings.key_file, create=False)
        return await prove_pages(_Kept(store, self, recording_id), rows, master, recording_id, folder)

    async def keep_lease(self, recording_id: str) -> None:
        """Renew it. Raises StoreError when somebody else has taken over."""
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is None or not await hold_on(db, self._clock, archive.id, self._owner):
                raise StoreError("worker_error", "the lease was lost")

    async def _lay_down(self, recording_id: str, cause: str, verdict: Verdict | None) -> None:
        """Give the lease back, tell what was found, and say when the copies are read again."""
        now = self._clock.now()
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is None or archive.lease_owner != self._owner:
                return
            archive.lease_owner = archive.lease_until = None
            row = await db.get_one(PageReading, recording_id, populate_existing=True)
            recording = await load_recording(db, recording_id)
            if verdict is None:
                logger.error("Archived pages of %s could not be read: %s", recording_id, cause)
                row.note_failure(cause, now)
                since = row.failing_since or now
                told = copying_trouble(recording, row.cause or cause, row.attempts, since, now)
                if told is not None:
                    await raise_alarm(db, self._clock, told)
            else:
                row.note_success(now + self._settings.verify_period * ROUND_SHARE)
                row.read_at = now
                if verdict.intact:
                    row.whole_at = now
                else:
                    await self._tell(db, recording, row, archive, verdict)
            await db.commit()

    async def _tell(
        self, db: AsyncSession, recording: Recording, row: PageReading, archive: Archive, verdict: Verdict
    ) -> None:
        """An alarm that names each page and its object; copied anew where the pages are still here."""
        logger.error("Archived pages of %s: %s", recording.id, verdict.findings[0].text_en)
        findings = tuple(
            {
                "code": each.code, "path": each.path, "start": each.start, "end": each.end,
                "text": each.text_zh, "text_en": each.text_en,
            }
            for each in verdict.findings[:MOST_TOLD]
        )  # fmt: skip
        occasion = f"archived pages {row.whole_at.isoformat() if row.whole_at else ''}"
        trouble = Trouble(
            AlarmKind.CHANGED, recording.directory, findings, len(verdict.findings),
            recording.session_id, recording.id, occasion,
        )  # fmt: skip
        await raise_alarm(db, self._clock, trouble)
        if archive.state is ArchiveState.ARCHIVED:
            now = self._clock.now()
            archive.move_to(ArchiveState.FAILED)
            archive.attempts, archive.cause, archive.trouble = 1, "corrupted", verdict.findings[0].path[:500]
            archive.distrusted_at = archive.failing_since = now
            archive.next_try_at = now + pause_after(archive.attempts)


class _Kept:
    """A store that is read under a lease: it is renewed before each object."""

    def __init__(self, store: Readable, reader: PageReader, recording_id: str) -> None:
        self._store = store
        self._reader = reader
        self._recording_id = recording_id

    async def get(self, name: str) -> bytes:
        """The bytes of an object. Raises StoreError."""
        await self._reader.keep_lease(self._recording_id)
        return await self._store.get(name)
