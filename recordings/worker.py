"""Recordings worker: finds recordings that want sealing, composing or verifying; one of each at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database, new_id
from cases.policy import SYSTEM
from recordings.archive.index import index_due
from recordings.evidence.clock_jumps import read_jumps
from recordings.evidence.day_root import LEDGER
from recordings.evidence.examiner import ExaminationError, Witnesses, examine
from recordings.evidence.keys import REGISTER_FILE
from recordings.evidence.manifest import canonical, moment_text, write_durably
from recordings.evidence.proof import note_verdict
from recordings.evidence.sealing import NothingRecorded, SeatLookup, StillWriting, seal_recording
from recordings.evidence.signing import load_signer
from recordings.evidence.spill import NoRoom, bring_home
from recordings.film.encoder import CompositionError, encode
from recordings.film.plan import CompositionPlan
from recordings.lease import ATTEMPTS, LEASE, UNCOMPOSED, Lane, claim_work, release_lease, renew_lease
from recordings.recording import (
    LIVE,
    CompositionState,
    Recording,
    RecordingState,
    load_recording,
    stop_recording,
)
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT
from recordings.watch.audit_anchor import anchor_audit, anchors_of
from recordings.watch.completeness import check_when_due
from recordings.watch.ledger import keep_ledger
from recordings.watch.patrol import PERIOD, order_patrol
from recordings.watch.stamping import StampSettings, stamp_waiting, watch_stamps
from scheduling.materials.store import MaterialStore
from scheduling.session import OVER, Session
from scheduling.session_events import add_event

logger = logging.getLogger(__name__)

ABANDONED = timedelta(seconds=60)  # A session over for so long has no recorder any more.
WRITING_PATIENCE = timedelta(minutes=5)
RETRY = timedelta(seconds=15)
UNPROVED_RETRY = timedelta(minutes=10)
LEDGER_PERIOD = timedelta(minutes=2)


@dataclass(frozen=True)
class RecordingsSettings:
    """``root`` holds the recording folders, ``keys`` the signing key. Times in seconds.

    Every sealed recording is read again within ``verify_period``.
    ``spill`` is where the media workers went on when the disk of ``root`` could not take more.
    ``materials`` holds the pages that were shown; None: a recording that shows any lists them as missing.
    """

    root: Path
    keys: Path
    poll_seconds: float = 1.0
    verify_period: timedelta = PERIOD
    plan: CompositionPlan = field(default_factory=CompositionPlan)
    spill: Path | None = None
    materials: MaterialStore | None = None
    stamps: StampSettings | None = None  # None: no authority, no time stamps.


class RecordingsWorker:
    """Given: database, clock, settings, seats. Owned: the lease of what it works on."""

    def __init__(
        self, database: Database, clock: Clock, settings: RecordingsSettings, seats: SeatLookup
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._seats = seats
        load_signer(settings.keys)  # Makes the first key, or says at once that there is none to sign with.
        self._patrol_at: datetime | None = None
        self._ledger_at: datetime | None = None
        self._ledgers = settings.root.resolve().parent / LEDGER
        self.owner = f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[:8]}"

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
            await self._stop_abandoned()
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
                wait = await self._seal(recording.id)
            elif recording.composition in UNCOMPOSED and recording.sealed:
                await self._compose(recording)
            else:
                await self._verify(recording)
        except ExaminationError as error:
            logger.warning("Recording %s could not be verified: %s", recording.id, error)
            wait = UNPROVED_RETRY
        except (OSError, CompositionError, IntegrityError, ValueError, KeyError) as error:
            logger.warning("Recording %s: %s", recording.id, error)
            wait = await self._note_trouble(recording.id, str(error) or type(error).__name__)
        async with self._database.session() as db:
            await release_lease(db, self._clock, recording.id, self.owner, wait)

    # Sealing

    async def _seal(self, recording_id: str) -> timedelta:
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
                await self._fail(db, recording_id, "nothing_recorded")
        return timedelta(0)

    async def _fail(self, db: AsyncSession, recording_id: str, trouble: str) -> None:
        recording = await load_recording(db, recording_id)
        recording.move_to(RecordingState.FAILED)
        recording.trouble = trouble
        data = {"recording_id": recording_id, "cause": trouble}
        await add_event(db, self._clock, recording.session_id, "recording.failed", data=data)
        await db.commit()

    async def _note_trouble(self, recording_id: str, trouble: str) -> timedelta:
        """Count the failure; after ATTEMPTS of them give up and say so."""
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            recording.attempts += 1
            recording.trouble = trouble[:2000]
            if recording.attempts >= ATTEMPTS:
                if recording.state is RecordingState.STOPPED:
                    await self._fail(db, recording_id, recording.trouble)
                else:
                    recording.composition = CompositionState.FAILED
                    data = {"recording_id": recording_id, "cause": recording.trouble}
                    kind = "composition.failed"
                    await add_event(db, self._clock, recording.session_id, kind, data=data)
            await db.commit()
        return RETRY

    async def _stop_abandoned(self) -> None:
        """Stop recordings whose session ended while nobody was there to stop them."""
        ended = Session.closed_at < self._clock.now() - ABANDONED
        query = select(Recording.id).join(Session, Session.id == Recording.session_id)
        query = query.where(Recording.state.in_(LIVE), Session.state.in_(OVER), ended)
        async with self._database.session() as db:
            for recording_id in (await db.scalars(query)).all():
                await stop_recording(db, self._clock, SYSTEM, recording_id, "session_over")

    # Composition

    async def _compose(self, recording: Recording) -> None:
        folder = recording.folder(self._settings.root)
        draft = folder / f".composed.{new_id()}.mp4"
        jumps = await asyncio.to_thread(read_jumps, folder)
        seconds = jumps.seconds(recording.started_at, recording.stopped_at or recording.started_at)
        await self._set_progress(recording.id, 0.0, began=self._clock.now())

        async def report(share: float) -> None:
            await self._set_progress(recording.id, share)

        plan = replace(
            self._settings.plan,
            layout=recording.layout or self._settings.plan.layout,
            spotlight=recording.spotlight or self._settings.plan.spotlight,
        )
        for leftover in folder.glob(".composed.*.mp4"):
            leftover.unlink(missing_ok=True)
        try:
            film = await encode(folder, draft, plan, seconds, report)
            await self._publish(recording, draft, film)
        finally:
            draft.unlink(missing_ok=True)

    async def _set_progress(self, recording_id: str, share: float, began: datetime | None = None) -> None:
        async with self._database.session() as db:
            recording = await load_recording(db, recording_id)
            if recording.lease_owner != self.owner:
                return
            recording.composition = CompositionState.RUNNING
            recording.progress = int(share * 1000)
            recording.composing_at = began or recording.composing_at
            await db.commit()

    async def _publish(self, recording: Recording, draft: Path, film: dict[str, Any]) -> None:
        """Put the film in its place, state what it was made from, and tell the session."""
        folder, now = recording.folder(self._settings.root), self._clock.now()
        statement = _statement(recording, film, now)
        async with self._database.session() as db:
            if not await renew_lease(db, self._clock, recording.id, self.owner):
                raise CompositionError("租约已失")
            await asyncio.to_thread(self._place, folder, draft, statement)
            row = await load_recording(db, recording.id)
            row.composition, row.progress, row.trouble = CompositionState.DONE, 1000, None
            row.composed_at, row.composed_sha256 = now, film["sha256"]
            row.composed_size, row.composed_ms = film["size"], film["duration_ms"]
            await db.flush()
            data = {"recording_id": row.id, "sha256": film["sha256"], "duration_ms": film["duration_ms"]}
            await add_event(db, self._clock, row.session_id, "recording.composed", data=data)
            await db.commit()

    def _place(self, folder: Path, draft: Path, statement: bytes) -> None:
        write_durably(folder / COMPOSED_STATEMENT, statement)
        write_durably(
            folder / COMPOSED_SIGNATURE, canonical(load_signer(self._settings.keys).sign(statement))
        )
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.chmod(0o600)
        draft.replace(folder / COMPOSED_FILE)

    # Verification

    async def _verify(self, recording: Recording) -> None:
        """Read every file again and write down what was found."""
        began, started, stamps = self._clock.now(), time.monotonic(), self._settings.stamps
        verdict = await examine(
            recording.folder(self._settings.root),
            recording.manifest_sha256,
            Witnesses(
                self._settings.keys / REGISTER_FILE, self._ledgers, stamps.certificate if stamps else None
            ),
        )
        took = round((time.monotonic() - started) * 1000)
        if not verdict.intact:
            logger.error(
                "Recording %s is not as it was sealed: %s", recording.id, verdict.findings[0].text_en
            )
        async with self._database.session() as db:
            await note_verdict(db, self._clock, recording, began, took, verdict)

    async def watch_once(self) -> bool:
        """Nothing waits to be verified: keep the ledger, check completeness, ask for the next reading.

        False when neither is due.
        """
        now = self._clock.now()
        async with self._database.session() as db:
            if self._ledger_at is None or now >= self._ledger_at:
                self._ledger_at = now + LEDGER_PERIOD
                signer = load_signer(self._settings.keys)
                await keep_ledger(db, self._clock, self._settings.root, signer)
                await anchor_audit(db, self._clock, anchors_of(self._settings.root), signer)
                if self._settings.stamps is not None:
                    await stamp_waiting(self._clock, self._ledgers, self._settings.stamps)
                    await watch_stamps(db, self._clock, self._ledgers)
            keys = self._settings.keys / REGISTER_FILE
            if await check_when_due(db, self._clock, self._settings.root, self._settings.verify_period, keys):
                return True
            if self._patrol_at is not None and now < self._patrol_at:
                return False
            wait = await order_patrol(db, self._clock, self._settings.verify_period)
        self._patrol_at = now + wait
        return not wait


def _statement(recording: Recording, film: dict[str, Any], now: datetime) -> bytes:
    """Canonical statement about the derived film; it names the manifest it was made from."""
    return canonical(
        {
            "format": "lianxin-derivative",
            "version": 1,
            "recording_id": recording.id,
            "manifest_sha256": recording.manifest_sha256,
            "file": COMPOSED_FILE,
            "made_at": moment_text(now),
            **json.loads(json.dumps(film)),
        }
    )


async def run_recordings_worker(
    database: Database, clock: Clock, settings: RecordingsSettings, seats: SeatLookup
) -> None:
    """Seal and compose until cancelled. ``seats`` is ``signaling.seat.seats_of_session``."""
    await RecordingsWorker(database, clock, settings, seats).run()
