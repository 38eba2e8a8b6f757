"""Recordings worker: finds recordings that want sealing, composing or verifying; one of each at a time.

What is done with one stands in `sealer.py`, `composer.py` and `verifier.py`, what is done while nothing waits
in `watcher.py`; here is who does what when, by the lease, and what becomes of work that fails.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from cases.clock import Clock
from cases.database import Database, new_id
from recordings.archive.index import index_due
from recordings.composer import Composer
from recordings.evidence.examiner import ExaminationError
from recordings.evidence.sealing import SeatLookup
from recordings.evidence.signing import load_signer
from recordings.film.encoder import CompositionError
from recordings.lease import ATTEMPTS, LEASE, UNCOMPOSED, Lane, claim_work, release_lease, renew_lease
from recordings.recording import CompositionState, Recording, RecordingState, load_recording
from recordings.sealer import RETRY, Sealer, fail_recording
from recordings.settings import RecordingsSettings
from recordings.verifier import Verifier
from recordings.watcher import Watcher
from scheduling.session_events import add_event

logger = logging.getLogger(__name__)

UNPROVED_RETRY = timedelta(minutes=10)


class RecordingsWorker:
    """Given: database, clock, settings, seats. Owned: the lease of what it works on."""

    def __init__(
        self, database: Database, clock: Clock, settings: RecordingsSettings, seats: SeatLookup
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        load_signer(settings.keys)  # Makes the first key, or says at once that there is none to sign with.
        self.owner = f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[:8]}"
        self._sealer = Sealer(database, clock, settings, seats)
        self._composer = Composer(database, clock, settings, self.owner)
        self._verifier = Verifier(database, clock, settings)
        self._watcher = Watcher(database, clock, settings)

    async def run(self) -> None:
        """Work until cancelled. A broken database or disk is logged and tried again."""
        async with asyncio.TaskGroup() as lanes:
            for lane in Lane:
                lanes.create_task(self._run_lane(lane))

    async def _run_lane(self, lane: Lane) -> None:
        while True:
            try:
                busy = await self.work_once((lane,))
                if lane is Lane.VERIFY and not busy:
                    busy = await self.watch_once()
            except Exception:  # noqa: BLE001
                logger.exception("The recordings worker stumbled; it goes on")
                busy = False
                if (lane_task := asyncio.current_task()) is not None and lane_task.cancelling():
                    raise asyncio.CancelledError from None  # What was to be put away on the way out failed.
            if not busy:
                await asyncio.sleep(self._settings.poll_seconds)

    async def work_once(self, lanes: Iterable[Lane] = Lane) -> bool:
        """Do one piece of work, of the first lane that has any; False when there is none."""
        lanes = tuple(lanes)
        if Lane.SEAL in lanes:
            await self._sealer.stop_abandoned()
            async with self._database.session() as db:
                await index_due(db, root=self._settings.root)
        async with self._database.session() as db:
            recording = await claim_work(db, self._clock, self.owner, lanes)
        if recording is None:
            return False
        keeper = asyncio.create_task(self._keep_lease(recording.id))
        work = asyncio.create_task(self._work_on(recording))
        try:
            done, _ = await asyncio.wait({keeper, work}, return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                await work
            else:
                logger.warning("The lease of recording %s was lost", recording.id)
        except asyncio.CancelledError:
            await self._lay_down(recording, work)
            raise
        finally:
            for task in (keeper, work):
                task.cancel()
            await asyncio.gather(keeper, work, return_exceptions=True)
        return True

    async def watch_once(self) -> bool:
        """What is done while nothing waits to be verified; False when nothing of it is due."""
        return await self._watcher.watch_once()

    async def _lay_down(self, recording: Recording, work: asyncio.Task[None]) -> None:
        """Told to stop: give the work back at once, so that a successor need not wait for the lease."""
        if recording.state is not RecordingState.STOPPED:
            work.cancel()
        # Sealing writes from a thread that cannot be called back, so it is finished.
        await asyncio.wait({work})
        async with self._database.session() as db:
            await release_lease(db, self._clock, recording.id, self.owner, timedelta(0))

    async def _keep_lease(self, recording_id: str) -> None:
        """Renew until cancelled; returns when the lease is lost."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            async with self._database.session() as db:
                if not await renew_lease(db, self._clock, recording_id, self.owner):
                    return

    async def _work_on(self, recording: Recording) -> None:
        wait = timedelta(0)
        try:
            if recording.state is RecordingState.STOPPED:
                wait = await self._sealer.seal(recording.id)
            elif recording.composition in UNCOMPOSED and recording.sealed:
                await self._composer.compose(recording)
            else:
                await self._verifier.verify(recording)
        except ExaminationError as error:
            logger.warning("Recording %s could not be verified: %s", recording.id, error)
            wait = UNPROVED_RETRY
        except (OSError, CompositionError, IntegrityError, ValueError, KeyError) as error:
            logger.warning("Recording %s: %s", recording.id, error)
            wait = await self._note_trouble(recording.id, str(error) or type(error).__name__)
        async with self._database.session() as db:
            await release_lease(db, self._clock, recording.id, self.owner, wait)

    async def _note_trouble(self, recording_id: str, trouble: str) -> timedelta:
        """Count the failure; after ATTEMPTS of them give up and say so."""
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            recording.attempts += 1
            recording.trouble = trouble[:2000]
            if recording.attempts >= ATTEMPTS:
                if recording.state is RecordingState.STOPPED:
                    await fail_recording(db, self._clock, recording_id, recording.trouble)
                else:
                    recording.composition = CompositionState.FAILED
                    data = {"recording_id": recording_id, "cause": recording.trouble}
                    kind = "composition.failed"
                    await add_event(db, self._clock, recording.session_id, kind, data=data)
            await db.commit()
        return RETRY


async def run_recordings_worker(
    database: Database, clock: Clock, settings: RecordingsSettings, seats: SeatLookup
) -> None:
    """Seal and compose until cancelled. ``seats`` is ``signaling.seat.seats_of_session``."""
    await RecordingsWorker(database, clock, settings, seats).run()
