"""Store task: bringing the objects of one recording after another to what this program asks of the store.

Which recordings want it is read from the rows, never from a queue. A task holds the lease of the archive
while it looks at the objects; what fails is noted, told, and tried again after a growing pause.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from recordings.alarms import Trouble, raise_alarm
from recordings.archive.copies import archive_of, hold_on
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import ArchiveStore, StoreError
from recordings.archive.trying import Trying
from recordings.recording import Recording, load_recording

logger = logging.getLogger(__name__)


class StoreTask(ABC):
    """Given: database, clock, settings, the name under which leases are held.

    ``WHAT`` names the task in the log, ``ROW`` is where its failures are kept, by recording.
    """

    WHAT: ClassVar[str]
    ROW: ClassVar[type[Trying]]

    def __init__(self, database: Database, clock: Clock, settings: ArchiverSettings, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._owner = owner

    async def work_once(self) -> bool:
        """Bring the objects of one recording to what is asked of them; False when all are."""
        store = self._settings.store
        if store is None or not store.holds:
            return False
        recording_id = await self._claim()
        if recording_id is None:
            return False
        cause = trouble = ""
        try:
            await self._carry_out(recording_id, store)
        except StoreError as error:
            cause, trouble = error.cause, str(error)
        except TimeoutError:
            cause, trouble = "store_slow", self.WHAT
        await self._lay_down(recording_id, cause, trouble)
        return True

    @abstractmethod
    async def _claim(self) -> str | None:
        """The recording that wants it now, its archive leased; None where none does."""

    @abstractmethod
    async def _carry_out(self, recording_id: str, store: ArchiveStore) -> None:
        """Set each object and have the store say so; what is noted last is true of every one of them."""

    @abstractmethod
    def _trouble(self, recording: Recording, cause: str, attempts: int, now: datetime) -> Trouble | None:
        """What is told of a failure; None: it is too early."""

    async def _keep_lease(self, recording_id: str) -> bool:
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            return archive is not None and await hold_on(db, self._clock, archive.id, self._owner)

    async def _lay_down(self, recording_id: str, cause: str, trouble: str) -> None:
        """Give the lease back; a failure is noted, told, and tried again after a growing pause."""
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is None or archive.lease_owner != self._owner:
                return
            archive.lease_owner = archive.lease_until = None
            row = await db.get_one(self.ROW, recording_id, populate_existing=True)
            if not cause:
                row.note_success()
            else:
                logger.error("%s of %s at the store: %s (%s)", self.WHAT, recording_id, cause, trouble)
                await self._note_failure(db, recording_id, row, cause)
            await db.commit()

    async def _note_failure(self, db: AsyncSession, recording_id: str, row: Trying, cause: str) -> None:
        now = self._clock.now()
        row.note_failure(cause, now)
        recording = await load_recording(db, recording_id)
        told = self._trouble(recording, row.cause or cause, row.attempts, now)
        if told is not None:
            await raise_alarm(db, self._clock, told)
