"""Verifier: reads every file of a recording again and writes down what was found."""

from __future__ import annotations

import logging
import time

from cases.clock import Clock
from cases.database import Database
from recordings.evidence.day_root import LEDGER
from recordings.evidence.examiner import Witnesses, examine
from recordings.evidence.keys import REGISTER_FILE
from recordings.evidence.proof import note_verdict
from recordings.recording import Recording
from recordings.settings import RecordingsSettings

logger = logging.getLogger(__name__)


class Verifier:
    """Given: database, clock, settings."""

    def __init__(self, database: Database, clock: Clock, settings: RecordingsSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._ledgers = settings.root.resolve().parent / LEDGER

    async def verify(self, recording: Recording) -> None:
        """Read every file again and write down what was found. Raises ExaminationError."""
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
