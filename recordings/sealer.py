"""Sealer: what stopped is sealed, what nobody stopped is stopped, and what recorded nothing has failed."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from cases.policy import SYSTEM
from recordings.evidence.sealing import NothingRecorded, SeatLookup, StillWriting, seal_recording
from recordings.evidence.signing import load_signer
from recordings.evidence.spill import NoRoom, bring_home
from recordings.recording import LIVE, Recording, RecordingState, load_recording, stop_recording
from recordings.settings import RecordingsSettings
from scheduling.session import OVER, Session
from scheduling.session_events import add_event

logger = logging.getLogger(__name__)

ABANDONED = timedelta(seconds=60)  # A session over for so long has no recorder any more.
WRITING_PATIENCE = timedelta(minutes=5)
RETRY = timedelta(seconds=15)


class Sealer:
    """Given: database, clock, settings, seats."""

    def __init__(
        self, database: Database, clock: Clock, settings: RecordingsSettings, seats: SeatLookup
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._seats = seats

    async def seal(self, recording_id: str) -> timedelta:
        """Seal; returns how long to leave the recording alone."""
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            stopped = recording.stopped_at or self._clock.now()
            try:
                if self._settings.spill is not None:
                    spilled = self._settings.spill / recording.id
                    await asyncio.to_thread(bring_home, spilled, recording.folder(self._settings.root))
                signer, root, materials = (
                    load_signer(self._settings.keys), self._settings.root, self._settings.materials,
                )  # fmt: skip
                await seal_recording(db, self._clock, recording, root, signer, self._seats, materials)
            except StillWriting:
                if self._clock.now() - stopped > WRITING_PATIENCE:
                    logger.warning("Recording %s is still being written", recording_id)
                return timedelta(seconds=1)
            except NoRoom as error:
                logger.warning("Recording %s waits for space on the first disk: %s", recording_id, error)
                return RETRY
            except NothingRecorded:
                await db.rollback()
                await fail_recording(db, self._clock, recording_id, "nothing_recorded")
        return timedelta(0)

    async def stop_abandoned(self) -> None:
        """Stop recordings whose session ended while nobody was there to stop them."""
        ended = Session.closed_at < self._clock.now() - ABANDONED
        query = select(Recording.id).join(Session, Session.id == Recording.session_id)
        query = query.where(Recording.state.in_(LIVE), Session.state.in_(OVER), ended)
        async with self._database.session() as db:
            for recording_id in (await db.scalars(query)).all():
                await stop_recording(db, self._clock, SYSTEM, recording_id, "session_over")


async def fail_recording(db: AsyncSession, clock: Clock, recording_id: str, trouble: str) -> None:
    """Give a recording up for ever and tell its session; commits."""
    recording = await load_recording(db, recording_id)
    recording.move_to(RecordingState.FAILED)
    recording.trouble = trouble
    data = {"recording_id": recording_id, "cause": trouble}
    await add_event(db, clock, recording.session_id, "recording.failed", data=data)
    await db.commit()
