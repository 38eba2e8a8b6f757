"""Destruction on a bucket that keeps versions: all of them go and are written down, or it is told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from recordings.alarms import Alarm, AlarmKind
from recordings.archive.archiver import Archiver
from recordings.archive.copies import ArchiveState
from recordings.archive.destruction import DestructionProposal, DestructionRecord, ProposalState
from recordings.archive.store import StoreAddress, open_store
from recordings.recording import Recording
from tests.recordings.archiving import sealed, settings_of, state_of
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting
from tests.recordings.test_destruction import LEADER, decide, propose


class Approved:
    """A recording in a versioned bucket whose destruction two officials have approved."""

    def __init__(self, sitting: Sitting, bucket: Bucket, recording: Recording, archiver: Archiver) -> None:
        self.sitting, self.bucket, self.recording, self.archiver = sitting, bucket, recording, archiver
        self.written = {name: bytes(body) for name, body in bucket.objects.items()}

    async def try_once(self) -> None:
        self.sitting.clock.advance(hours=2)
        assert await self.archiver.work_once()

    async def proposal(self) -> DestructionProposal:
        async with self.sitting.database.session() as db:
            return (await db.scalars(select(DestructionProposal))).one()

    async def records(self) -> list[DestructionRecord]:
        async with self.sitting.database.session() as db:
            return list(await db.scalars(select(DestructionRecord)))

    async def alarms(self) -> list[str]:
        async with self.sitting.database.session() as db:
            query = select(Alarm).where(Alarm.kind == AlarmKind.NOT_DESTROYED).order_by(Alarm.at)
            return [each.findings[0]["code"] for each in await db.scalars(query)]


@pytest.fixture
async def approved(sitting: Sitting, bucket: Bucket) -> Approved:
    bucket.versioned = True
    recording = await sealed(sitting)
    address = StoreAddress("s3://bucket/office", bucket.endpoint, "cn-1", "a", "b", lock=True)
    archiver = Archiver(
        sitting.database, sitting.clock, settings_of(sitting, store=open_store(address), retention="short")
    )
    while await archiver.work_once():
        pass
    made = Approved(sitting, bucket, recording, archiver)
    sitting.clock.advance(days=366 * 11)
    await decide(sitting, await propose(sitting, recording), LEADER)
    return made


async def test_every_version_goes_and_the_register_names_them(approved: Approved) -> None:
    bucket, written = approved.bucket, approved.written
    marked = min(written)
    bucket.mark_deleted(marked)  # Its bytes lie there as before, under a marker.
    beside = bucket.older["office/2025/other/00001/index.json"] = [("v1", b"of another recording")]
    await approved.try_once()
    assert bucket.older == {"office/2025/other/00001/index.json": beside} and not bucket.objects
    (record,) = await approved.records()
    versions = record.versions or []
    assert {f"office/{each['name']}" for each in versions} == set(written)
    assert (len(versions), record.markers) == (len(written) + 1, 1)
    assert all(each["version"] for each in versions)
    assert (await state_of(approved.sitting, approved.recording)).state is ArchiveState.DESTROYED
    assert await approved.alarms() == []


async def test_what_the_store_keeps_leaves_the_destruction_open_and_is_told_with_the_reason(
    approved: Approved,
) -> None:
    bucket, clock = approved.bucket, approved.sitting.clock
    held = min(bucket.objects)
    bucket.holds[held] = "ON"  # By somebody with access to the bucket, past this program.
    bucket.now = clock.now()
    await approved.try_once()
    assert set(bucket.objects) == {held}, "what may go has gone"
    proposal = await approved.proposal()
    assert (proposal.state, proposal.cause) == (ProposalState.APPROVED, "still_held")
    assert await approved.alarms() == ["still_held"] and not await approved.records()
    assert approved.recording.folder(approved.sitting.root).is_dir()
    bucket.holds.clear()
    bucket.locks[held] = clock.now().replace(year=clock.now().year + 1)
    await approved.try_once()
    assert (await approved.proposal()).cause == "still_locked"
    await approved.try_once()
    assert await approved.alarms() == ["still_held", "still_locked"], "once for each reason"
    bucket.now = bucket.locks[held]
    await approved.try_once()
    (record,) = await approved.records()
    assert {f"office/{each['name']}" for each in record.versions or []} == set(approved.written)
    assert not approved.recording.folder(approved.sitting.root).exists()


@pytest.mark.parametrize("database_system", ["sqlite"])
@pytest.mark.parametrize(("fault", "cause"), [("refused", "versions_refused"), ("ignored", "still_there")])
async def test_nothing_counts_as_destroyed_before_the_store_lists_nothing(
    approved: Approved, fault: str, cause: str
) -> None:
    approved.bucket.version_fault = fault
    await approved.try_once()
    assert ((await approved.proposal()).cause, await approved.alarms()) == (cause, [cause])
    assert not await approved.records() and approved.recording.folder(approved.sitting.root).is_dir()
    approved.bucket.version_fault = None
    await approved.try_once()
    assert len(await approved.records()) == 1 and not approved.bucket.older
