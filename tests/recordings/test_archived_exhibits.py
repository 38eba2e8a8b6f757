"""Pages that were shown on their way: archived and read back, kept here, fetched back, and destroyed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cases.policy import SYSTEM
from recordings.alarms import Alarm, AlarmKind
from recordings.archive.archiver import Archiver
from recordings.archive.copies import ArchiveState, objects_of
from recordings.archive.destruction import decide_destruction, propose_destruction
from recordings.archive.listing import list_destructions
from recordings.archive.page_reading import PageReading
from recordings.archive.returning import ask_for_original
from recordings.archive.settings import ArchiverSettings
from recordings.archive.store import DirectoryStore
from recordings.evidence.keys import open_register
from recordings.evidence.proof import last_verification
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import verify_folder
from recordings.recording import CompositionState, Recording, RecordingState, load_recording
from recordings.watch.ledger import keep_ledger
from recordings.watch.office_check import verify_office
from recordings.watch.patrol import PERIOD, order_patrol
from tests.recordings.archiving import digests, settings_of, state_of
from tests.recordings.test_archive_return import (
    alarms_of,
    read_here,  # noqa: F401 - in this process, as there.
)
from tests.recordings.test_destruction import ARCHIVIST, LEADER
from tests.recordings.test_sealed_exhibits import PAPER, PHOTO, Desk, desk, picture  # noqa: F401


class Shown:
    """A sealed recording with two pages, and its archiver."""

    def __init__(self, desk: Desk, recording: Recording, settings: ArchiverSettings) -> None:  # noqa: F811
        self.desk, self.sitting, self.recording = desk, desk.sitting, recording
        self.archiver = Archiver(self.sitting.database, self.sitting.clock, settings)
        self.folder = recording.folder(self.sitting.root)
        assert isinstance(settings.store, DirectoryStore)
        self.settings, self.place = settings, settings.store.root
        self.before = digests(self.folder)

    async def state(self) -> ArchiveState:
        return (await state_of(self.sitting, self.recording)).state

    async def age(self) -> None:
        """Its tracks lie in the archive alone."""
        assert await self.archiver.work_once()
        self.sitting.clock.advance(days=31)
        assert await self.archiver.work_once()
        assert await self.state() is ArchiveState.LOCAL_REMOVED

    async def settle(self, days: float) -> None:
        """So much later everything that is due is done."""
        self.sitting.clock.advance(days=days)
        while await self.archiver.work_once():
            pass

    async def alarms(self) -> list[Alarm]:
        return await alarms_of(self.sitting, AlarmKind.CHANGED)

    async def reading(self) -> PageReading:
        async with self.sitting.database.session() as db:
            return await db.get_one(PageReading, self.recording.id)

    async def come_back(self) -> None:
        async with self.sitting.database.session() as db:
            await ask_for_original(db, self.sitting.clock, SYSTEM, self.recording.id, None)
        assert await self.archiver.work_once()
        assert await self.state() is ArchiveState.ARCHIVED

    async def objects_of_pages(self) -> dict[str, list[Path]]:
        async with self.sitting.database.session() as db:
            rows = await objects_of(db, self.recording.id)
        found: dict[str, list[Path]] = {}
        for row in sorted(rows, key=lambda row: row.part):
            if row.path.startswith("exhibits/"):
                found.setdefault(row.path, []).append(self.place / row.name)
        return found


PAGES = [f"exhibits/{PAPER}/page-2.jpg", f"exhibits/{PHOTO}/page-1.jpg"]


@pytest.fixture
async def shown(desk: Desk) -> Shown:  # noqa: F811
    recording = await desk.start()
    await desk.show(PAPER, 2)
    await desk.show(PHOTO, 1)
    await desk.stop(recording)
    await desk.seal(recording)
    async with desk.sitting.database.session() as db:
        row = await load_recording(db, recording.id)
        row.composition, row.verification_wanted_at = CompositionState.FAILED, None
        await db.commit()
    settings = settings_of(desk.sitting, local_days=30, part=1_000, object_seconds=30.0, retention="short")
    return Shown(desk, recording, settings)


async def test_pages_are_archived_encrypted_in_parts_and_stay_here_when_tracks_age_out(shown: Shown) -> None:
    await shown.age()
    objects = await shown.objects_of_pages()
    assert sorted(objects) == PAGES and all(len(parts) == 2 for parts in objects.values())
    for data in (path.read_bytes() for path in shown.place.rglob("*") if path.is_file()):
        assert b"picture of" not in data
    here = digests(shown.folder)
    assert here == {name: sum for name, sum in shown.before.items() if not name.startswith("tracks/")}
    # The patrol reads them here and the tracks in the archive.
    shown.sitting.clock.advance(days=81)
    async with shown.sitting.database.session() as db:
        await order_patrol(db, shown.sitting.clock)
    assert await shown.archiver.work_once()
    async with shown.sitting.database.session() as db:
        proof = await last_verification(db, shown.recording.id)
        row = await load_recording(db, shown.recording.id)
    assert proof is not None and proof.intact and proof.size == row.size


async def test_an_original_comes_back_with_the_pages_that_were_lost_here(shown: Shown) -> None:
    await shown.age()
    shutil.rmtree(shown.folder / "exhibits" / PAPER)
    kept = (shown.folder / PAGES[1]).stat().st_ino
    await shown.come_back()
    assert digests(shown.folder) == shown.before
    assert (shown.folder / PAGES[1]).stat().st_ino == kept, "what is here is not written again"
    verdict = verify_folder(shown.folder)
    assert verdict.intact and verdict.exhibits == 2
    assert not [path for path in shown.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("how", ["flipped", "gone", "swapped"])
async def test_a_page_that_is_lost_here_and_spoilt_there_keeps_no_track_away(shown: Shown, how: str) -> None:
    await shown.age()
    first, second = (await shown.objects_of_pages())[PAGES[0]]
    second.chmod(0o600)
    if how == "gone":
        second.unlink()
    else:
        data = bytearray(second.read_bytes())
        data[-1] ^= 1
        second.write_bytes(first.read_bytes() if how == "swapped" else bytes(data))
    shutil.rmtree(shown.folder / "exhibits" / PAPER)
    await shown.come_back()
    assert (shown.folder / "tracks").is_dir()
    (finding,) = verify_folder(shown.folder).findings
    assert (finding.code, finding.path) == ("exhibit_missing", PAGES[0])


@pytest.mark.parametrize("aged", [False, True])
async def test_the_patrol_finds_a_changed_byte_in_the_archived_copy_of_a_page(
    shown: Shown, aged: bool
) -> None:
    if aged:
        await shown.age()
    else:
        staying = replace(shown.settings, local_days=0)
        shown.archiver = Archiver(shown.sitting.database, shown.sitting.clock, staying)
        assert await shown.archiver.work_once()
    victim = (await shown.objects_of_pages())[PAGES[0]][1]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.chmod(0o600)
    victim.write_bytes(data)
    left, here = digests(shown.place), digests(shown.folder)
    await shown.settle(days=80)
    (alarm,) = await shown.alarms()
    assert (alarm.recording_id, alarm.finding_count) == (shown.recording.id, 1)
    finding = alarm.findings[0]
    assert (finding["code"], finding["path"], finding["start"]) == ("exhibit_copy_damaged", PAGES[0], 1_000)
    assert str(victim.relative_to(shown.place)) in finding["text"]
    await shown.settle(days=0.01)
    assert left.items() <= digests(shown.place).items() and digests(shown.folder) == here
    assert await shown.state() is (ArchiveState.LOCAL_REMOVED if aged else ArchiveState.ARCHIVED)
    anew = (await shown.objects_of_pages())[PAGES[0]]
    assert (victim in anew) is aged  # What is still here was copied under another name.
    for _ in range(2):
        await shown.settle(days=80)
    assert len(await shown.alarms()) == 1  # The same damage, known already; the new copy is whole.


async def test_archived_pages_are_read_within_the_period_and_a_store_that_is_away_proves_nothing(
    shown: Shown,
) -> None:
    await shown.age()
    place = shown.place.rename(shown.place.with_name("away"))
    await shown.settle(days=80)
    reading = await shown.reading()
    assert (reading.cause, reading.read_at, reading.whole_at) == ("store_down", None, None)
    assert await shown.alarms() == []
    place.rename(shown.place)
    await shown.settle(days=0.1)
    reading = await shown.reading()
    assert reading.cause is None and reading.read_at == reading.whole_at == shown.sitting.clock.now()
    assert reading.due_at is not None and reading.due_at - reading.read_at < PERIOD


async def test_destruction_leaves_no_page_and_the_register_explains_it(shown: Shown) -> None:
    assert await shown.archiver.work_once()
    names = {str(path.relative_to(shown.place)) for parts in (await shown.objects_of_pages()).values()
             for path in parts}  # fmt: skip
    sitting = shown.sitting
    async with sitting.database.session() as db:
        await keep_ledger(db, sitting.clock, sitting.root, load_signer(sitting.root.parent / "keys"))
    sitting.clock.advance(days=366 * 11)
    async with sitting.database.session() as db:
        proposal = await propose_destruction(
            db, sitting.clock, sitting.world.actor(ARCHIVIST), shown.recording.id, "保管期满，经鉴定", None
        )
        await decide_destruction(
            db, sitting.clock, sitting.world.actor(LEADER), proposal.id, True, "同意", None
        )
    assert await shown.archiver.work_once()
    assert await shown.state() is ArchiveState.DESTROYED
    assert not shown.folder.exists()
    assert not [path for path in shown.place.rglob("*") if path.is_file()]
    async with sitting.database.session() as db:
        row = await load_recording(db, shown.recording.id)
        (record,) = await list_destructions(db, sitting.world.actor(LEADER))
        await keep_ledger(db, sitting.clock, sitting.root, load_signer(sitting.root.parent / "keys"))
    assert row.state is RecordingState.DESTROYED
    assert names <= {item["name"] for item in record.objects}
    assert verify_office(sitting.root, "620102", open_register(sitting.root.parent / "keys")).intact
