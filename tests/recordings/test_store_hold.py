"""A legal hold reaches the store: put on every object, lifted again, made up for when the store was away."""

from __future__ import annotations

import pytest

from recordings.archive.archiver import Archiver
from recordings.archive.copies import ArchiveState, objects_of
from recordings.archive.legal_hold import LegalHold, lift_hold, place_hold
from recordings.archive.store import StoreAddress, open_store
from recordings.archive.store_hold import TRANSITIONS, StoreHold, StoreHoldState
from recordings.recording import Recording
from scheduling.transitions import reachable_from
from tests.recordings.archiving import alarms, sealed, settings_of, state_of
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting
from tests.recordings.test_destruction import ARCHIVIST, LEADER, decide, propose


class Held:
    """A recording with its archiver over a bucket that locks."""

    def __init__(self, sitting: Sitting, bucket: Bucket, recording: Recording, retention: str) -> None:
        self.sitting, self.bucket, self.recording = sitting, bucket, recording
        address = StoreAddress("s3://bucket/office", bucket.endpoint, "cn-1", "a", "b", lock=True)
        settings = settings_of(sitting, store=open_store(address), retention=retention)
        self.archiver = Archiver(sitting.database, sitting.clock, settings)

    async def place(self) -> LegalHold:
        async with self.sitting.database.session() as db:
            actor = self.sitting.world.actor(ARCHIVIST)
            return await place_hold(db, self.sitting.clock, actor, self.recording.id, "法院调取", None)

    async def lift(self, hold: LegalHold) -> None:
        async with self.sitting.database.session() as db:
            await lift_hold(
                db, self.sitting.clock, self.sitting.world.actor(ARCHIVIST), hold.id, "案件审结", None
            )

    async def settle(self) -> None:
        while await self.archiver.work_once():
            pass

    async def known(self) -> StoreHold:
        async with self.sitting.database.session() as db:
            return await db.get_one(StoreHold, self.recording.id)

    @property
    def statuses(self) -> set[str]:
        return {self.bucket.holds.get(name, "none") for name in self.bucket.objects}


@pytest.fixture
async def held(sitting: Sitting, bucket: Bucket) -> Held:
    return Held(sitting, bucket, await sealed(sitting), "short")


def test_every_state_of_a_hold_at_the_store_can_be_reached() -> None:
    assert reachable_from(TRANSITIONS, StoreHoldState.UNSURE) == set(StoreHoldState)


async def test_a_hold_is_put_on_every_object_and_lifted_with_the_last_one(held: Held) -> None:
    await held.settle()
    assert held.statuses == {"none"} and not await held.archiver.work_once()
    first, second = await held.place(), await held.place()
    await held.settle()
    assert held.statuses == {"ON"}
    known = await held.known()
    assert (known.state, known.objects) == (StoreHoldState.PUT, len(held.bucket.objects))
    await held.lift(first)
    await held.settle()
    assert held.statuses == {"ON"}  # The other one stands.
    await held.lift(second)
    await held.settle()
    assert held.statuses == {"OFF"} and (await held.known()).state is StoreHoldState.LIFTED
    await held.place()
    await held.settle()
    assert held.statuses == {"ON"}


async def test_what_is_written_while_a_hold_stands_is_held_from_its_first_moment(held: Held) -> None:
    hold = await held.place()
    assert await held.archiver.work_once()
    headers = held.bucket.headers.values()
    assert {each["x-amz-object-lock-legal-hold"] for each in headers} == {"ON"}
    assert all("x-amz-object-lock-legal-hold" in each["Authorization"] for each in headers)
    assert (await held.known()).state is StoreHoldState.UNSURE
    await held.settle()
    assert (await held.known()).state is StoreHoldState.PUT
    await held.lift(hold)
    await held.settle()
    assert held.statuses == {"OFF"}


@pytest.mark.parametrize(
    ("fault", "cause"), [("down", "store_down"), ("refused", "hold_refused"), ("ignored", "hold_refused")]
)
async def test_a_store_that_does_not_take_it_is_told_and_tried_until_it_does(
    held: Held, fault: str, cause: str
) -> None:
    await held.settle()

    def let(works: bool) -> None:
        held.bucket.fault = "down" if fault == "down" and not works else None
        held.bucket.hold_fault = None if works else fault

    hold = await held.place()
    for day, wanted in enumerate(("ON", "OFF"), 1):
        let(works=False)
        for _ in range(2):
            assert await held.archiver.work_once()
            assert not await held.archiver.work_once()  # Not before its time.
            held.sitting.clock.advance(minutes=2)
        known = await held.known()
        assert (known.state, known.cause, known.attempts) == (StoreHoldState.UNSURE, cause, 2)
        assert held.statuses == ({"none"} if wanted == "ON" else {"ON"})
        found = await alarms(held.sitting)
        assert len(found) == day and "依法保全" in found[-1].findings[0]["text"]
        let(works=True)
        held.sitting.clock.advance(hours=1)
        await held.settle()
        assert held.statuses == {wanted}
        known = await held.known()
        assert (known.cause, known.attempts, known.failing_since) == (None, 0, None)
        if wanted == "ON":
            await held.lift(hold)
            held.sitting.clock.advance(days=1)
    assert (await state_of(held.sitting, held.recording)).state is ArchiveState.ARCHIVED


async def test_what_was_held_is_destroyed_only_after_the_store_let_go(held: Held) -> None:
    hold = await held.place()
    await held.settle()
    held.sitting.clock.advance(days=366 * 12)
    await held.lift(hold)
    proposal = await propose(held.sitting, held.recording)
    await decide(held.sitting, proposal, LEADER)
    held.bucket.hold_fault = "refused"
    assert await held.archiver.work_once()
    assert await held.archiver.work_once()  # The store refuses to delete what it holds.
    async with held.sitting.database.session() as db:
        assert await objects_of(db, held.recording.id)
    assert held.statuses == {"ON"}
    held.bucket.hold_fault = None
    held.sitting.clock.advance(hours=1)
    await held.settle()
    assert held.bucket.objects == {}
    assert (await state_of(held.sitting, held.recording)).state is ArchiveState.DESTROYED


async def test_a_store_that_locks_nothing_is_not_asked(sitting: Sitting, bucket: Bucket) -> None:
    recording = await sealed(sitting)
    address = StoreAddress("s3://bucket", bucket.endpoint, access_key="a", secret_key="b")
    archiver = Archiver(sitting.database, sitting.clock, settings_of(sitting, store=open_store(address)))
    held = Held(sitting, bucket, recording, "short")
    held.archiver = archiver
    await held.place()
    await held.settle()
    assert bucket.holds == {} and bucket.objects
