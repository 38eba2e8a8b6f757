"""Return: originals that aged out are proven in the archive, and fetched back when somebody asks."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import Database
from cases.errors import Conflict
from cases.policy import SYSTEM, Action, Actor, require
from recordings.alarms import raise_alarm
from recordings.archive.alarm import CAUSES, copying_trouble
from recordings.archive.archived_files import sum_of
from recordings.archive.copies import (
    LEASE,
    Archive,
    ArchiveState,
    archive_of,
    hold_on,
    is_free,
    objects_of,
    pause_after,
    take,
)
from recordings.archive.key import MasterKey, load_master
from recordings.archive.objects import NotAnObject
from recordings.archive.proof import LOST, prove_archived
from recordings.archive.removal import TRACKS
from recordings.archive.restore import Patient, Readable, Stored, restore_files
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import ArchiveStore, StoreError
from recordings.capture.journal import sync_directory
from recordings.evidence.examiner import ExaminationError, examine
from recordings.evidence.exhibits import is_exhibit, kept_exhibits
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.proof import note_verdict
from recordings.recording import Recording, load_recording
from scheduling.reach import load_session, scope_of_session

logger = logging.getLogger(__name__)

ROOM = ".restoring"  # Below the recording's folder: what is half there is no file of the recording.
KEPT_FREE = 1 << 30  # bytes that stay free for recordings
Work = Callable[[str, Readable], Awaitable[None]]


async def ask_for_original(
    db: AsyncSession, clock: Clock, actor: Actor, recording_id: str, address: str | None
) -> Archive:
    """Have an aged-out original fetched back; the archiver does it. Asking twice is asking once; commits.

    Raises NotFound, Forbidden, Conflict ``original_here`` when it did not age out.
    """
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.REPLAY, await scope_of_session(db, session))
    archive = await archive_of(db, recording_id)
    if archive is None or archive.state is not ArchiveState.LOCAL_REMOVED:
        raise Conflict("original_here", "这份录像的原件就在本机，不用取回。")
    if archive.restore_wanted_at is None:
        archive.restore_wanted_at, archive.next_try_at = clock.now(), None
        kind = "original.restore_asked"
        await add_audit(db, clock, actor, kind, "recording", recording_id, address=address)
    await db.commit()
    return archive


class Returner:
    """Given: database, clock, settings, the name under which leases are held."""

    def __init__(self, database: Database, clock: Clock, settings: ArchiverSettings, owner: str) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._owner = owner

    async def work_once(self) -> bool:
        """Fetch one original back, or prove one in the archive; False when neither is asked for."""
        store = self._settings.store
        if store is None:
            return False
        wanted = Archive.restore_wanted_at.is_not(None)
        owed = Recording.verification_wanted_at.is_not(None)
        for condition, work in ((wanted, self._restore), (owed, self._prove)):
            recording_id = await self._claim(condition)
            if recording_id is not None:
                await self._try(recording_id, work, store)
                return True
        return False

    async def restore_now(self, recording_id: str) -> None:
        """Fetch this one if somebody asked for it and nobody else has it in hand."""
        store, mine = self._settings.store, Archive.recording_id == recording_id
        if store is not None and await self._claim(and_(mine, Archive.restore_wanted_at.is_not(None))):
            await self._try(recording_id, self._restore, store)

    async def _claim(self, condition: ColumnElement[bool]) -> str | None:
        now = self._clock.now()
        due = or_(Archive.next_try_at.is_(None), Archive.next_try_at <= now)
        query = select(Archive.recording_id).join(Recording, Recording.id == Archive.recording_id)
        query = query.where(Archive.state == ArchiveState.LOCAL_REMOVED, condition, is_free(now), due)
        async with self._database.session() as db:
            found: str | None = await db.scalar(query.order_by(Recording.verified_at, Recording.id).limit(1))
            if found is None or not await take(db, self._clock, found, self._owner):
                return None
            return found

    async def _try(self, recording_id: str, work: Work, store: ArchiveStore) -> None:
        cause = trouble = ""
        try:
            async with self._holding(recording_id):
                await work(recording_id, Patient(store, self._settings.object_seconds))
        except StoreError as error:
            cause, trouble = error.cause, str(error)
        except NotAnObject as error:
            cause, trouble = "corrupted", str(error)
        except ExaminationError as error:
            cause, trouble = "worker_error", str(error)
        except OSError as error:
            cause = "no_room" if error.errno == errno.ENOSPC else "worker_error"
            trouble = str(error)
        await self._lay_down(recording_id, cause, trouble)

    @asynccontextmanager
    async def _holding(self, recording_id: str) -> AsyncIterator[None]:
        """Keep the lease for as long as the work takes."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 5)
                async with self._database.session() as db:
                    archive = await archive_of(db, recording_id)
                    if archive is not None:
                        await hold_on(db, self._clock, archive.id, self._owner)

        keeper = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _lay_down(self, recording_id: str, cause: str, trouble: str) -> None:
        """Give the lease back; after a failure note it, tell it, and try again after a growing pause."""
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is None or archive.lease_owner != self._owner:
                return
            archive.lease_owner = archive.lease_until = None
            now = self._clock.now()
            if not cause:
                archive.attempts, archive.cause, archive.trouble = 0, None, None
                archive.failing_since = archive.next_try_at = None
            else:
                logger.error("Recording %s in the archive: %s (%s)", recording_id, cause, trouble)
                archive.attempts += 1
                archive.cause = cause if cause in CAUSES else "worker_error"
                archive.trouble, archive.failing_since = trouble[:500], archive.failing_since or now
                archive.next_try_at = now + pause_after(archive.attempts)
                recording = await load_recording(db, recording_id)
                told = copying_trouble(recording, archive.cause, archive.attempts, archive.failing_since, now)
                if told is not None:
                    await raise_alarm(db, self._clock, told)
            await db.commit()

    async def _prove(self, recording_id: str, store: Readable) -> None:
        """Read what stayed here and what lies in the archive; write the verdict down as for any other."""
        async with self._database.session() as db:
            recording, rows = await load_recording(db, recording_id), await objects_of(db, recording_id)
        began, started = self._clock.now(), time.monotonic()
        master = load_master(self._settings.key_file, create=False)
        here = await examine(recording.folder(self._settings.root), recording.manifest_sha256)
        verdict = await prove_archived(store, rows, master, recording_id, here)
        took = round((time.monotonic() - started) * 1000)
        if not verdict.intact:
            logger.error("Recording %s is not as sealed: %s", recording_id, verdict.findings[0].text_en)
        async with self._database.session() as db:
            await note_verdict(db, self._clock, recording, began, took, verdict)

    async def _restore(self, recording_id: str, store: Readable) -> None:
        """Fetch the tracks into a room of their own, hold them against the manifest, put them in place.

        Pages that were shown stay here when tracks age out; one that was lost since comes back with them.

        Killed anywhere, it begins anew, or finds them in place and says so.
        """
        async with self._database.session() as db:
            recording, rows = await load_recording(db, recording_id), await objects_of(db, recording_id)
        folder = recording.folder(self._settings.root)
        if (folder / TRACKS).exists():
            await asyncio.to_thread(_hold_against_manifest, folder, folder)
        else:
            lost = await asyncio.to_thread(_lost_exhibits, folder)
            wanted = [row for row in rows if row.path.startswith(f"{TRACKS}/") or row.path in lost]
            await asyncio.to_thread(_make_room, folder, sum(row.stored_size for row in wanted))
            master = load_master(self._settings.key_file, create=False)
            pages = [row for row in wanted if row.path in lost]
            tracks = [row for row in wanted if row.path not in lost]
            await restore_files(store, tracks, master, recording_id, folder / ROOM)
            await self._fetch_pages(pages, store, master, recording_id, folder / ROOM)
            await asyncio.to_thread(_hold_against_manifest, folder, folder / ROOM)
            await asyncio.to_thread(_put_back, folder, lost)
            # The tracks last: that they are there says that everything is.
            await asyncio.to_thread((folder / ROOM / TRACKS).rename, folder / TRACKS)
            await asyncio.to_thread(shutil.rmtree, folder / ROOM)
            await asyncio.to_thread(sync_directory, folder)
        await self._note_restored(recording_id)

    async def _fetch_pages(
        self, pages: Sequence[Stored], store: Readable, master: MasterKey, recording_id: str, room: Path
    ) -> None:
        """Pages that were lost here, as far as the archive has them: the tracks do not wait for them."""
        for path in sorted({row.path for row in pages}):
            rows = [row for row in pages if row.path == path]
            try:
                await restore_files(store, rows, master, recording_id, room)
            except (StoreError, NotAnObject) as error:
                if isinstance(error, StoreError) and error.cause not in LOST:
                    raise
                logger.error("The page %s of %s does not come back: %s", path, recording_id, error)

    async def _note_restored(self, recording_id: str) -> None:
        async with self._database.session() as db:
            archive = await archive_of(db, recording_id)
            if archive is None or archive.lease_owner != self._owner:
                return
            now = self._clock.now()
            archive.move_to(ArchiveState.ARCHIVED)
            archive.restored_at, archive.restore_wanted_at, archive.local_removed_at = now, None, None
            row = await load_recording(db, recording_id)
            row.verification_wanted_at = row.verification_wanted_at or now
            await add_audit(db, self._clock, SYSTEM, "original.restored", "recording", recording_id)
            await db.commit()


def _make_room(folder: Path, size: int) -> None:
    """Clear what an attempt before left half done. Raises OSError when the disk has no room for it all."""
    shutil.rmtree(folder / ROOM, ignore_errors=True)
    if shutil.disk_usage(folder).free - size < KEPT_FREE:
        raise OSError(errno.ENOSPC, "no room for the original")


def _lost_exhibits(folder: Path) -> dict[str, tuple[int, str]]:
    """Path to size and SHA-256 of each page that was sealed with the recording and is not here."""
    manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
    return {
        entry["path"]: (entry["size"], entry["sha256"])
        for entry in kept_exhibits(manifest)
        if is_exhibit(entry) and not (folder / entry["path"]).exists()
    }


def _put_back(folder: Path, lost: Mapping[str, tuple[int, str]]) -> None:
    """Those that came, each as it was sealed; of one that did not come the verification tells."""
    for name, sealed in lost.items():
        path = folder / ROOM / name
        if path.is_file() and sum_of(path) == sealed:
            (folder / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.rename(folder / name)
            sync_directory((folder / name).parent)


def _hold_against_manifest(folder: Path, place: Path) -> None:
    """Is every segment below ``place`` as it was sealed? Raises StoreError ``original_changed``."""
    manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
    for entry in (entry for track in manifest["tracks"] for entry in track["segments"]):
        path = place / entry["path"]
        if not path.is_file() or sum_of(path) != (entry["size"], entry["sha256"]):
            raise StoreError("original_changed", f"{entry['path']} is not as sealed")
