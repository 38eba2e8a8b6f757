"""Archive: what is known of each recording's copy in the archive store, and who works on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, String, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from recordings.alarms import raise_alarm
from recordings.archive.alarm import CAUSES, copying_trouble
from recordings.archive.retention import RetentionClass
from recordings.recording import CompositionState, Recording, RecordingState, load_recording
from scheduling.transitions import require_transition

LEASE = timedelta(minutes=10)  # Renewed at each object.
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
ENROLLED_AT_ONCE = 100


class ArchiveState(StrEnum):
    """Where the copy stands."""

    WAITING = "waiting"
    COPYING = "copying"
    ARCHIVED = "archived"  # Every file was read back from the store and found equal.
    FAILED = "failed"  # The last attempt; another comes at ``next_try_at``, however often it takes.
    LOCAL_REMOVED = "local_removed"  # Archived, and the original on this machine has aged out.
    DESTROYING = "destroying"  # Approved by two; goes on until nothing is left.
    DESTROYED = "destroyed"


_S = ArchiveState
TRANSITIONS: Mapping[ArchiveState, frozenset[ArchiveState]] = {
    _S.WAITING: frozenset({_S.COPYING, _S.DESTROYING}),
    # From copying to copying: the worker died, another takes it up.
    _S.COPYING: frozenset({_S.COPYING, _S.WAITING, _S.ARCHIVED, _S.FAILED}),
    _S.ARCHIVED: frozenset({_S.COPYING, _S.FAILED, _S.LOCAL_REMOVED, _S.DESTROYING}),
    _S.FAILED: frozenset({_S.COPYING}),
    _S.LOCAL_REMOVED: frozenset({_S.ARCHIVED, _S.DESTROYING}),  # Back when somebody asked for it.
    _S.DESTROYING: frozenset({_S.DESTROYED}),
    _S.DESTROYED: frozenset(),
}


class Archive(Base):
    """One row for each sealed recording.

    ``attempts`` counts failures since the last success, ``copies`` all attempts (it numbers objects),
    ``stored_size`` bytes in the store. ``cause`` is a key of CAUSES. ``keep_until`` is None for ever.
    ``restore_wanted_at`` is set while somebody waits for an original that aged out, ``restored_at`` when one
    came back; it stays as long again.
    What was proven before ``distrusted_at`` counts no longer: the store had lost or changed some of it.
    """

    __tablename__ = "archives"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), unique=True)
    state: Mapped[ArchiveState] = mapped_column(index=True)
    retention: Mapped[str] = mapped_column(String(32))
    keep_until: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    copies: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(default=None)
    cause: Mapped[str | None] = mapped_column(String(32), default=None)
    trouble: Mapped[str | None] = mapped_column(String(500), default=None)
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    archived_at: Mapped[datetime | None] = mapped_column(default=None)
    object_count: Mapped[int] = mapped_column(default=0)
    stored_size: Mapped[int] = mapped_column(BigInteger, default=0)
    local_removed_at: Mapped[datetime | None] = mapped_column(default=None)
    restore_wanted_at: Mapped[datetime | None] = mapped_column(default=None)
    restored_at: Mapped[datetime | None] = mapped_column(default=None)
    distrusted_at: Mapped[datetime | None] = mapped_column(default=None)
    lease_owner: Mapped[str | None] = mapped_column(String(64), default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)

    def move_to(self, state: ArchiveState) -> None:
        """Change the state; Conflict ``bad_transition`` where the table does not permit it."""
        require_transition(TRANSITIONS, self.state, state, "这份录像的归档状态不能这样改变。")
        self.state = state


@append_only
class ArchiveObject(Base):
    """A piece of a file that was written to the store, read back, and found equal at ``proved_at``.

    ``sha256`` and ``file_size`` are of the whole plain file, ``stored_sha256`` of the object's bytes.
    """

    __tablename__ = "archive_objects"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("recordings.id"), index=True)
    path: Mapped[str] = mapped_column(String(512))
    part: Mapped[int]
    parts: Mapped[int]
    file_size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(512), unique=True)
    stored_size: Mapped[int]
    stored_sha256: Mapped[str] = mapped_column(String(64))
    proved_at: Mapped[datetime]


def pause_after(attempts: int) -> timedelta:
    """30 s after the first failure, twice as long after each further one, at most an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 20)))


async def enrol(db: AsyncSession, klass: RetentionClass) -> int:
    """Give sealed recordings whose film is settled a row; returns how many. Commits."""
    settled = Recording.composition.not_in((CompositionState.WAITING, CompositionState.RUNNING))
    query = select(Recording.id, Recording.started_at).where(
        Recording.state == RecordingState.SEALED,
        settled,
        Recording.id.not_in(select(Archive.recording_id)),
    )
    found = (await db.execute(query.limit(ENROLLED_AT_ONCE))).all()
    for recording_id, started in found:
        await insert_if_absent(
            db, Archive, id=new_id(), recording_id=recording_id, state=ArchiveState.WAITING,
            retention=klass.code, keep_until=klass.keep_until(started), attempts=0, copies=0,
            object_count=0, stored_size=0,
        )  # fmt: skip
    if found:
        await db.commit()
    return len(found)


async def claim_archive(db: AsyncSession, clock: Clock, owner: str) -> Archive | None:
    """Take the archive that waited longest and that nobody holds, as ``copying``; commits.

    A film that was composed after the recording was archived is copied too.
    """
    now = clock.now()
    free = or_(Archive.lease_until.is_(None), Archive.lease_until < now)
    composed_since = and_(Archive.state == ArchiveState.ARCHIVED, Recording.composed_at > Archive.archived_at)
    wants = or_(
        Archive.state.in_((ArchiveState.WAITING, ArchiveState.COPYING)),
        and_(Archive.state == ArchiveState.FAILED, Archive.next_try_at <= now),
        composed_since,
    )
    query = select(Archive.id).join(Recording, Recording.id == Archive.recording_id).where(wants, free)
    due = await db.scalar(query.order_by(Archive.next_try_at.nulls_first(), Archive.id).limit(1))
    if due is None:
        return None
    take = update(Archive).where(Archive.id == due, free)
    take = take.values(lease_owner=owner, lease_until=now + LEASE).returning(Archive.id)
    if await db.scalar(take.execution_options(synchronize_session=False)) is None:
        await db.rollback()
        return None
    archive = await db.get_one(Archive, due, populate_existing=True)
    archive.move_to(ArchiveState.COPYING)
    archive.copies += 1
    await db.commit()
    return archive


def is_free(now: datetime) -> ColumnElement[bool]:
    """The condition on Archive under which nobody is at work with it."""
    return or_(Archive.lease_until.is_(None), Archive.lease_until < now)


async def take(db: AsyncSession, clock: Clock, recording_id: str, owner: str) -> bool:
    """Begin a lease; False when somebody else was first. Commits."""
    now = clock.now()
    change = update(Archive).where(Archive.recording_id == recording_id, is_free(now))
    change = change.values(lease_owner=owner, lease_until=now + LEASE).returning(Archive.id)
    taken = await db.scalar(change.execution_options(synchronize_session=False))
    await db.commit()
    return taken is not None


async def hold_on(db: AsyncSession, clock: Clock, archive_id: str, owner: str) -> bool:
    """Renew the lease; False when somebody else took over. Commits."""
    change = update(Archive).where(Archive.id == archive_id, Archive.lease_owner == owner)
    change = change.values(lease_until=clock.now() + LEASE).returning(Archive.id)
    held = await db.scalar(change.execution_options(synchronize_session=False))
    await db.commit()
    return held is not None


async def note_failure(
    db: AsyncSession, clock: Clock, recording_id: str, owner: str, cause: str, trouble: str
) -> None:
    """Keep the original, count, say why, raise an alarm, set the next try after a growing pause; commits."""
    archive = await archive_of(db, recording_id)
    if archive is None or archive.lease_owner != owner:
        return
    now = clock.now()
    archive.move_to(ArchiveState.FAILED)
    archive.attempts += 1
    archive.cause = cause if cause in CAUSES else "worker_error"
    archive.trouble = trouble[:500]
    archive.failing_since = archive.failing_since or now
    archive.next_try_at = now + pause_after(archive.attempts)
    archive.lease_owner = archive.lease_until = None
    recording = await load_recording(db, recording_id)
    found = copying_trouble(recording, archive.cause, archive.attempts, archive.failing_since, now)
    if found is not None:
        await raise_alarm(db, clock, found)
    await db.commit()


async def archive_of(db: AsyncSession, recording_id: str) -> Archive | None:
    """The row as it is now, without asking the policy."""
    query = select(Archive).where(Archive.recording_id == recording_id)
    return await db.scalar(query.execution_options(populate_existing=True))


async def objects_of(db: AsyncSession, recording_id: str) -> Sequence[ArchiveObject]:
    """What was proven to lie in the store, in the order it was written."""
    query = select(ArchiveObject).join(Archive, Archive.recording_id == ArchiveObject.recording_id)
    query = query.where(
        ArchiveObject.recording_id == recording_id,
        or_(Archive.distrusted_at.is_(None), ArchiveObject.proved_at > Archive.distrusted_at),
    )
    return (await db.scalars(query.order_by(ArchiveObject.proved_at, ArchiveObject.name))).all()


async def aged_out(db: AsyncSession, recording_ids: Sequence[str]) -> set[str]:
    """Those of the recordings whose originals lie in the archive alone."""
    query = select(Archive.recording_id).where(
        Archive.recording_id.in_(recording_ids), Archive.state == ArchiveState.LOCAL_REMOVED
    )
    return set((await db.scalars(query)).all())


def folder_in_store(recording: Recording) -> str:
    """The folder of a recording's objects; all names begin with it and a slash."""
    return f"{recording.started_at:%Y}/{recording.id}"
