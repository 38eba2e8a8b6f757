"""The lock of the store follows a longer period, is never made shorter, and a store that does not is told."""

from __future__ import annotations

from datetime import datetime

import pytest

from cases.second_person import Decision
from recordings.archive.archiver import Archiver
from recordings.archive.class_change import decide_change, propose_change
from recordings.archive.retention import LONGEST_LOCK_YEARS, RetentionClass, lock_end
from recordings.archive.store import StoreAddress, open_store
from recordings.archive.store_lock import TRANSITIONS, StoreLock, StoreLockState
from recordings.recording import Recording
from scheduling.transitions import reachable_from
from tests.recordings.archiving import alarms, sealed, settings_of
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting

ONE, OTHER = "city.sysadmin", "city.security_admin"


class Locked:
    """A recording with its archiver over a bucket that locks."""

    def __init__(self, sitting: Sitting, bucket: Bucket, recording: Recording) -> None:
        self.sitting, self.bucket, self.recording = sitting, bucket, recording
        address = StoreAddress("s3://bucket/office", bucket.endpoint, "cn-1", "a", "b", lock=True)
        settings = settings_of(sitting, store=open_store(address), retention="short")
        self.archiver = Archiver(sitting.database, sitting.clock, settings)

    async def settle(self) -> None:
        while await self.archiver.work_once():
            pass

    async def change(self, years: int) -> None:
        async with self.sitting.database.session() as db:
            classes, actor = self.archiver._settings.classes, self.sitting.world.actor
            row = await propose_change(
                db, self.sitting.clock, actor(ONE), classes, "short", str(years), "来函"
            )
            await decide_change(
                db, self.sitting.clock, actor(OTHER), classes, row.id, Decision.CONFIRMED
            )

    async def known(self) -> StoreLock:
        async with self.sitting.database.session() as db:
            return await db.get_one(StoreLock, self.recording.id)

    def until(self, years: int) -> datetime | None:
        return RetentionClass("", years).keep_until(self.recording.started_at)

    @property
    def locks(self) -> set[datetime | None]:
        return {self.bucket.locks.get(name) for name in self.bucket.objects}


@pytest.fixture
async def locked(sitting: Sitting, bucket: Bucket) -> Locked:
    return Locked(sitting, bucket, await sealed(sitting))


def test_every_state_of_a_lock_can_be_reached_and_for_ever_has_a_date() -> None:
    locked_at = datetime.fromisoformat("2026-11-23T09:00:00+08:00")
    assert reachable_from(TRANSITIONS, StoreLockState.UNSURE) == set(StoreLockState)
    longest = RetentionClass("", LONGEST_LOCK_YEARS).keep_until(locked_at)
    assert lock_end(locked_at, None) == lock_end(locked_at, RetentionClass("", 200).keep_until(locked_at))
    assert lock_end(locked_at, None) == longest


async def test_what_lies_there_is_locked_for_longer_and_never_for_shorter(locked: Locked) -> None:
    await locked.settle()
    assert locked.locks == {locked.until(10)}
    known = await locked.known()
    assert (known.state, known.until) == (StoreLockState.LOCKED, locked.until(10))
    assert known.objects == len(locked.bucket.objects) > 1
    await locked.change(30)
    assert (await locked.known()).state is StoreLockState.UNSURE
    await locked.settle()
    assert locked.locks == {locked.until(30)}
    await locked.change(10)  # What was promised stays so.
    await locked.settle()
    assert locked.locks == {locked.until(30)} and not await alarms(locked.sitting)
    await locked.change(0)
    await locked.settle()
    assert locked.locks == {locked.until(LONGEST_LOCK_YEARS)}
    assert not await locked.archiver.work_once()


@pytest.mark.parametrize("database_system", ["sqlite"])
@pytest.mark.parametrize(
    ("fault", "cause"), [("down", "store_down"), ("refused", "lock_refused"), ("ignored", "lock_refused")]
)
async def test_a_store_that_does_not_lengthen_is_told_and_tried_until_it_does(
    locked: Locked, fault: str, cause: str
) -> None:
    await locked.settle()
    await locked.change(30)
    if fault == "down":
        locked.bucket.fault = "down"
    else:
        locked.bucket.lock_fault = fault
    for _ in range(2):
        assert await locked.archiver.work_once()
        assert not await locked.archiver.work_once()  # Not before its time.
        locked.sitting.clock.advance(minutes=2)
    known = await locked.known()
    assert (known.state, known.cause, known.attempts) == (StoreLockState.UNSURE, cause, 2)
    (alarm,) = await alarms(locked.sitting)
    assert "保管期限" in alarm.findings[0]["text"] and alarm.findings[0]["code"] == cause
    locked.bucket.fault = locked.bucket.lock_fault = None
    locked.sitting.clock.advance(hours=1)
    await locked.settle()
    known = await locked.known()
    assert (known.state, known.cause, known.attempts) == (StoreLockState.LOCKED, None, 0)
    assert locked.locks == {locked.until(30)} and len(await alarms(locked.sitting)) == 1


async def test_a_class_that_grows_while_objects_are_looked_at_is_not_lost(
    locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await locked.settle()
    await locked.change(30)
    store = locked.archiver._settings.store
    assert store is not None
    lock_until, grown = store.lock_until, []

    async def grow(name: str, moment: datetime) -> None:
        await lock_until(name, moment)
        if not grown:
            grown.append(name)
            await locked.change(50)

    monkeypatch.setattr(store, "lock_until", grow)
    assert await locked.archiver.work_once() and grown
    assert (await locked.known()).state is StoreLockState.UNSURE
    await locked.settle()
    assert locked.locks == {locked.until(50)}


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_bucket_that_forgets_the_lock_of_what_it_takes_is_found_out(locked: Locked) -> None:
    locked.bucket.lock_fault = "ignored"
    await locked.archiver.work_once()
    assert locked.locks == {None} and (await locked.known()).state is StoreLockState.UNSURE
    locked.bucket.lock_fault = None
    await locked.settle()
    assert locked.locks == {locked.until(10)}
