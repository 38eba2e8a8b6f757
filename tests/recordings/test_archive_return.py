"""Originals that aged out: proven in the archive like all others, and back on this machine when asked for."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.errors import Conflict, NotFound
from cases.policy import SYSTEM
from recordings.alarms import Alarm, AlarmKind
from recordings.archive import returning as archive_return
from recordings.archive.archiver import Archiver
from recordings.archive.copies import LEASE, Archive, ArchiveState, objects_of, take
from recordings.archive.returning import ROOM, Returner, ask_for_original
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import DirectoryStore
from recordings.evidence.proof import Verification, last_verification
from recordings.evidence.verdict import Verdict
from recordings.evidence.verification import verify_folder
from recordings.packages.export import begin_export
from recordings.recording import Recording, load_recording
from recordings.watch.completeness import check_completeness
from recordings.watch.patrol import PERIOD, order_patrol
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.recordings.archiving import digests, sealed, settings_of, state_of
from tests.recordings.sitting import Sitting


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process of its own, which takes longer to begin than to read."""

    async def here(folder: Path, _: str | None) -> Verdict:
        return verify_folder(folder)

    monkeypatch.setattr(archive_return, "examine", here)


class Aged:
    """A recording whose original lies in the archive alone, in pieces of 1,000 bytes."""

    def __init__(self, sitting: Sitting, recording: Recording, settings: ArchiverSettings) -> None:
        self.sitting, self.recording, self.settings = sitting, recording, settings
        self.before = digests(recording.folder(sitting.root))
        self.archiver = Archiver(sitting.database, sitting.clock, settings)
        self.folder = recording.folder(sitting.root)

    async def state(self) -> Archive:
        return await state_of(self.sitting, self.recording)

    async def proof(self) -> Verification | None:
        async with self.sitting.database.session() as db:
            return await last_verification(db, self.recording.id)

    async def ask(self) -> None:
        async with self.sitting.database.session() as db:
            await ask_for_original(db, self.sitting.clock, SYSTEM, self.recording.id, None)

    async def patrol(self) -> None:
        self.sitting.clock.advance(days=81)
        async with self.sitting.database.session() as db:
            assert await order_patrol(db, self.sitting.clock) == timedelta(0)

    async def objects(self) -> list[Path]:
        """Of the first segment that has several."""
        store = self.settings.store
        assert isinstance(store, DirectoryStore)
        async with self.sitting.database.session() as db:
            rows = await objects_of(db, self.recording.id)
        path = next(row.path for row in rows if row.path.endswith(".lxj") and row.parts > 2)
        return [store.root / row.name for row in sorted(rows, key=lambda row: row.part) if row.path == path]


async def alarms_of(sitting: Sitting, kind: AlarmKind) -> list[Alarm]:
    async with sitting.database.session() as db:
        return list((await db.scalars(select(Alarm).where(Alarm.kind == kind))).all())


@pytest.fixture
async def aged(sitting: Sitting) -> Aged:
    recording = await sealed(sitting)
    made = Aged(sitting, recording, settings_of(sitting, local_days=30, part=1_000, object_seconds=30.0))
    assert await made.archiver.work_once()
    sitting.clock.advance(days=31)
    assert await made.archiver.work_once()
    assert (await made.state()).state is ArchiveState.LOCAL_REMOVED
    assert not (made.folder / "tracks").exists()
    return made


async def test_of_two_workers_one_is_at_work_with_an_archive(aged: Aged) -> None:
    """Also where both have seen it free; who stands still longer than the lease has lost it."""
    sitting, recording_id = aged.sitting, aged.recording.id
    async with sitting.database.session() as one, sitting.database.session() as two:
        assert await take(one, sitting.clock, recording_id, "one")
        assert not await take(two, sitting.clock, recording_id, "two")
        await aged.patrol()
        assert await take(one, sitting.clock, recording_id, "one"), "the patrol is long after"
    other = Archiver(sitting.database, sitting.clock, aged.settings)
    assert not await other.work_once()
    sitting.clock.advance(seconds=LEASE.total_seconds() + 1)
    async with sitting.database.session() as db:
        assert await take(db, sitting.clock, recording_id, "two")
    assert (await aged.state()).lease_owner == "two"


async def test_the_patrol_reads_an_aged_out_original_back_from_the_archive(aged: Aged) -> None:
    await aged.patrol()
    assert await aged.archiver.work_once()
    proof = await aged.proof()
    assert proof is not None and proof.intact, proof
    async with aged.sitting.database.session() as db:
        row = await load_recording(db, aged.recording.id)
    assert (proof.segments, proof.size, row.verification_wanted_at) == (4, row.size, None)
    assert row.verified_at == aged.sitting.clock.now()
    assert not await aged.archiver.work_once()
    assert not (aged.folder / "tracks").exists()  # Nothing of it came to the disk.

    # The store is away: that proves nothing; it is tried again with pauses, and told.
    place = aged.settings.store.root  # type: ignore[union-attr]
    await aged.patrol()
    place.rename(place.with_name("away"))
    for _ in range(2):
        assert await aged.archiver.work_once()
        assert not await aged.archiver.work_once()
        aged.sitting.clock.advance(minutes=5)
    found = await aged.state()
    assert (found.state, found.cause, found.attempts) == (ArchiveState.LOCAL_REMOVED, "store_down", 2)
    assert len(await alarms_of(aged.sitting, AlarmKind.NOT_ARCHIVED)) == 1
    assert await alarms_of(aged.sitting, AlarmKind.CHANGED) == []
    place.with_name("away").rename(place)
    assert await aged.archiver.work_once()
    later = await aged.proof()
    assert later is not None and later.intact and later.at > proof.at
    assert ((await aged.state()).cause, (await aged.state()).attempts) == (None, 0)


@pytest.mark.parametrize("how", ["flipped", "missing", "swapped"])
async def test_damage_in_the_archive_is_found_located_and_told_and_nothing_is_deleted(
    aged: Aged, how: str
) -> None:
    first, second, *_ = await aged.objects()
    if how == "missing":
        second.unlink()
    else:
        data = bytearray(second.read_bytes())
        data[len(data) // 2] ^= 1
        second.chmod(0o600)
        second.write_bytes(first.read_bytes() if how == "swapped" else bytes(data))
    left = sorted(first.parent.iterdir())
    await aged.patrol()
    assert await aged.archiver.work_once()
    proof = await aged.proof()
    assert proof is not None and not proof.intact
    (finding,) = proof.findings
    assert finding["code"] == "segment_damaged" and finding["start"] == 1_000
    assert finding["path"] in str(first)
    (alarm,) = await alarms_of(aged.sitting, AlarmKind.CHANGED)
    assert alarm.recording_id == aged.recording.id
    assert sorted(first.parent.iterdir()) == left


async def test_an_original_comes_back_as_it_was_and_stays_as_long_again(aged: Aged) -> None:
    async with aged.sitting.database.session() as db:
        stranger = aged.sitting.world.actor("xigu.receptionist")
        with pytest.raises(NotFound):
            await ask_for_original(db, aged.sitting.clock, stranger, aged.recording.id, None)
        with pytest.raises(Conflict) as refused:
            clock, root = aged.sitting.clock, aged.sitting.root
            await begin_export(db, clock, SYSTEM, aged.recording.id, "市局复查调阅", None, root)
        assert refused.value.code == "original_aged_out"
    await aged.ask()
    await aged.ask()
    (aged.folder / ROOM / "tracks").mkdir(parents=True)  # As a kill in the midst leaves it.
    assert await aged.archiver.work_once()
    found = await aged.state()
    assert (found.state, found.restore_wanted_at) == (ArchiveState.ARCHIVED, None)
    assert digests(aged.folder) == aged.before
    assert verify_folder(aged.folder).intact and not (aged.folder / ROOM).exists()
    async with aged.sitting.database.session() as db:
        row = await load_recording(db, aged.recording.id)
        row.verification_wanted_at = None
        await db.commit()
        kinds = (await db.scalars(select(AuditEntry.action))).all()
        with pytest.raises(Conflict, match="原件就在本机"):
            await ask_for_original(db, aged.sitting.clock, SYSTEM, aged.recording.id, None)
    assert [kinds.count(f"original.{kind}") for kind in ("restore_asked", "restored")] == [1, 1]
    aged.sitting.clock.advance(days=29)
    assert not await aged.archiver.work_once()
    aged.sitting.clock.advance(days=2)
    assert await aged.archiver.work_once()
    assert (await aged.state()).state is ArchiveState.LOCAL_REMOVED


async def test_a_piece_that_is_not_right_or_no_room_puts_nothing_in_its_place(
    aged: Aged, monkeypatch: pytest.MonkeyPatch
) -> None:
    await aged.ask()
    victim = (await aged.objects())[1]
    data = victim.read_bytes()
    victim.chmod(0o600)
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert await aged.archiver.work_once()
    found = await aged.state()
    assert (found.state, found.cause) == (ArchiveState.LOCAL_REMOVED, "corrupted")
    assert not (aged.folder / "tracks").exists()
    assert len(await alarms_of(aged.sitting, AlarmKind.NOT_ARCHIVED)) == 1
    victim.write_bytes(data)
    aged.sitting.clock.advance(minutes=5)
    with monkeypatch.context() as patch:
        patch.setattr(archive_return, "KEPT_FREE", 1 << 60)
        assert await aged.archiver.work_once()
    assert (await aged.state()).cause == "no_room"
    aged.sitting.clock.advance(minutes=5)
    assert await aged.archiver.work_once()
    assert (await aged.state()).state is ArchiveState.ARCHIVED
    assert digests(aged.folder) == aged.before


async def test_a_kill_after_the_files_are_in_place_is_made_up_for(aged: Aged, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    await aged.ask()
    assert await aged.archiver.work_once()
    shutil.copytree(aged.folder / "tracks", copy)
    async with aged.sitting.database.session() as db:
        row = await load_recording(db, aged.recording.id)
        row.verification_wanted_at = None
        await db.commit()
    aged.sitting.clock.advance(days=31)
    assert await aged.archiver.work_once()
    copy.rename(aged.folder / "tracks")  # The row did not come to say so.
    await aged.ask()
    now = Returner(aged.sitting.database, aged.sitting.clock, aged.settings, "by hand")
    await now.restore_now("another")
    assert (await aged.state()).state is ArchiveState.LOCAL_REMOVED
    await now.restore_now(aged.recording.id)
    assert (await aged.state()).state is ArchiveState.ARCHIVED


async def test_completeness_misses_no_segments_of_it_but_readings_and_the_manifest(aged: Aged) -> None:
    async with aged.sitting.database.session() as db:
        await move_session(db, aged.sitting.clock, SYSTEM, aged.sitting.session.id, SessionState.CLOSED)
    aged.sitting.clock.advance(minutes=20)

    async def kinds(period: timedelta = PERIOD) -> set[AlarmKind]:
        async with aged.sitting.database.session() as db:
            found = await check_completeness(db, aged.sitting.clock, aged.sitting.root, period)
            # Nobody talked for so long, and no day's root was made: neither is asked here.
            return {each.kind for each in found} - {AlarmKind.LENGTH, AlarmKind.CHAIN}

    assert await kinds() == set()
    assert await kinds(timedelta(days=20)) == {AlarmKind.OVERDUE}
    (aged.folder / "manifest.json").unlink()
    assert await kinds() == {AlarmKind.FILES_MISSING}
