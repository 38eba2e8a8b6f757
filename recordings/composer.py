"""Composer: makes the film of a sealed recording and states what it was made from."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cases.clock import Clock
from cases.database import Database, new_id
from recordings.evidence.clock_jumps import read_jumps
from recordings.evidence.manifest import canonical, moment_text, write_durably
from recordings.evidence.signing import load_signer
from recordings.film.encoder import CompositionError, encode
from recordings.lease import renew_lease
from recordings.recording import CompositionState, Recording, load_recording
from recordings.settings import RecordingsSettings
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT
from scheduling.session_events import add_event


class Composer:
    """Given: database, clock, settings, the name under which leases are held."""

    def __init__(self, database: Database, clock: Clock, settings: RecordingsSettings, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._owner = owner

    async def compose(self, recording: Recording) -> None:
        """Make it and put it in its place. Raises CompositionError, OSError."""
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
            if recording.lease_owner != self._owner:
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
            if not await renew_lease(db, self._clock, recording.id, self._owner):
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
