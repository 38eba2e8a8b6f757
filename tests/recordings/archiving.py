"""Sealed recordings for the archiver, and what became of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from recordings.alarms import Alarm, AlarmKind
from recordings.archive.archived_files import files_of
from recordings.archive.copies import Archive, archive_of
from recordings.archive.key import KEY_FILE
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import DirectoryStore
from recordings.evidence.sealing import seal_recording
from recordings.evidence.signing import load_signer
from recordings.recording import CompositionState, Recording, load_recording
from tests.recordings.sitting import Sitting


async def sealed(sitting: Sitting) -> Recording:
    """A sealed recording whose film could not be made, as nothing here needs one."""
    made = await sitting.record(0.5, size=(160, 90))
    async with sitting.database.session() as db:
        recording = await load_recording(db, made.id)
        signer = load_signer(sitting.root.parent / "keys")
        await seal_recording(db, sitting.clock, recording, sitting.root, signer, sitting.seats)
        recording.composition = CompositionState.FAILED
        recording.verification_wanted_at = None
        await db.commit()
        return recording


def settings_of(sitting: Sitting, **how: object) -> ArchiverSettings:
    place = sitting.root.parent / "archive"
    place.mkdir(exist_ok=True)
    settings = ArchiverSettings(
        sitting.root, sitting.root.parent / "keys" / KEY_FILE, DirectoryStore(place), object_seconds=0.5
    )
    return replace(settings, **how)  # type: ignore[arg-type]


async def state_of(sitting: Sitting, recording: Recording) -> Archive:
    async with sitting.database.session() as db:
        archive = await archive_of(db, recording.id)
        assert archive is not None
        return archive


async def alarms(sitting: Sitting) -> list[Alarm]:
    async with sitting.database.session() as db:
        return list((await db.scalars(select(Alarm).where(Alarm.kind == AlarmKind.NOT_ARCHIVED))).all())


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_of(folder)
    }
