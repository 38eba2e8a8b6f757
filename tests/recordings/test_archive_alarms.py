"""A store that fails: told once a day for all that waits, and made up for when it is back."""

from __future__ import annotations

from recordings.archive.archiver import Archiver
from recordings.archive.copies import ArchiveState
from recordings.archive.store import StoreAddress, open_store
from tests.recordings.archiving import alarms, sealed, settings_of, state_of
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting


async def test_a_store_that_is_away_is_one_alarm_a_day_for_all_recordings(
    sitting: Sitting, bucket: Bucket
) -> None:
    waiting = [await sealed(sitting) for _ in range(3)]
    address = StoreAddress("s3://bucket", bucket.endpoint, access_key="a", secret_key="b")
    archiver = Archiver(sitting.database, sitting.clock, settings_of(sitting, store=open_store(address)))
    bucket.fault = "down"
    for _ in waiting:
        assert await archiver.work_once()
    assert await alarms(sitting) == []  # What fails once is made up for within the minute.
    for days in (0, 0, 1):
        sitting.clock.advance(days=days, minutes=20)
        while await archiver.work_once():
            pass
    told = await alarms(sitting)
    assert [alarm.session_id for alarm in told] == [None, None]
    assert "原件都还在本机" in told[0].findings[0]["text"]
    bucket.fault = None
    sitting.clock.advance(days=1)
    while await archiver.work_once():
        pass
    assert {(await state_of(sitting, each)).state for each in waiting} == {ArchiveState.ARCHIVED}
    assert len(await alarms(sitting)) == 2
