"""The patrol: everything is read within the period, as much every day, and nothing urgent waits for it."""

from __future__ import annotations

import asyncio
import heapq
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.clock import Clock
from cases.policy import SYSTEM
from recordings import composer, verifier, watcher, worker
from recordings.alarms import AlarmKind, AlarmState, list_alarms
from recordings.evidence.proof import last_verification
from recordings.evidence.verdict import Verdict
from recordings.evidence.verification import verify_folder
from recordings.lease import Lane, claim_work
from recordings.recording import CompositionState, Recording, RecordingState, load_recording
from recordings.watch.patrol import LONGEST_WAIT, OPENING, PERIOD, Round, order_patrol
from tests.clock import MORNING
from tests.recordings.sitting import Sitting
from tests.recordings.test_proof import sealed
from tests.recordings.test_worker import make_worker

HOUR = timedelta(hours=1)


def test_every_recording_is_read_in_time_and_the_work_is_even() -> None:
    """A year of an office that seals twelve recordings a day, of five minutes to six hours."""
    source, now = random.Random(4), MORNING
    kept = [(now, source.choice((40, 400, 4000)) * OPENING) for _ in range(300)]  # (read at, size), a heap
    total = sum(size for _, size in kept)
    ordered: tuple[datetime, int] | None = None
    read_by_day: dict[int, int] = {}
    oldest = timedelta(0)
    for hour in range(24 * 365):
        now = MORNING + hour * HOUR
        if hour % 2 == 0:
            size = source.choice((40, 400, 4000)) * OPENING
            heapq.heappush(kept, (now, size))
            total += size
        while True:
            read_at, size = kept[0]
            oldest = max(oldest, now - read_at)
            at, last = ordered or (None, 0)
            found = Round("x", read_at, size, len(kept), total, at, last)
            if found.due_at(PERIOD) > now:
                break
            ordered = (now, size)
            heapq.heapreplace(kept, ordered)
            read_by_day[hour // 24] = read_by_day.get(hour // 24, 0) + size
    assert oldest <= PERIOD * 0.9
    steady = [read_by_day.get(day, 0) for day in range(180, 365)]
    weeks = [sum(steady[n : n + 7]) for n in range(0, 182, 7)]
    assert max(weeks) < 1.5 * sum(weeks) / len(weeks)
    assert min(weeks) > 0.5 * sum(weeks) / len(weeks)


def test_what_is_late_is_read_without_a_rest() -> None:
    late = Round("x", MORNING, OPENING, 1000, 1000 * OPENING, MORNING + timedelta(days=81), OPENING)
    assert late.due_at(PERIOD) == MORNING + timedelta(days=81)


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process of its own, which takes longer to begin than to read."""

    async def here(folder: Path, *_: object) -> Verdict:
        return verify_folder(folder)

    monkeypatch.setattr(verifier, "examine", here)


async def order(sitting: Sitting) -> timedelta:
    async with sitting.database.session() as db:
        return await order_patrol(db, sitting.clock, PERIOD)


async def reload(sitting: Sitting, recording: Recording) -> Recording:
    async with sitting.database.session() as db:
        return await load_recording(db, recording.id)


async def test_a_sealed_recording_is_read_again_and_again(sitting: Sitting) -> None:
    assert await order(sitting) == LONGEST_WAIT  # There is nothing yet.
    recording = await sealed(sitting)
    working = make_worker(sitting)
    assert await working.work_once()
    read = [(await reload(sitting, recording)).verified_at]
    for _ in range(3):
        assert not await working.work_once()
        assert await order(sitting) == LONGEST_WAIT
        sitting.clock.advance(days=90 * 0.8)
        assert await order(sitting) == timedelta(0)
        assert await order(sitting) == LONGEST_WAIT  # Ordered once.
        assert await working.work_once()
        read.append((await reload(sitting, recording)).verified_at)
        sitting.clock.advance(seconds=1)
    spans = [after - before for before, after in zip(read, read[1:], strict=False) if after and before]
    assert len(spans) == 3 and max(spans) <= PERIOD


async def test_the_oldest_reading_comes_first_and_the_next_worker_goes_on(sitting: Sitting) -> None:
    rows = [await sealed(sitting) for _ in range(3)]
    async with sitting.database.session() as db:
        for age, row in zip((10, 40, 20), rows, strict=True):
            found = await load_recording(db, row.id)
            found.verification_wanted_at, found.size = None, 100 * OPENING
            found.verified_at = sitting.clock.now() - timedelta(days=age)
        await db.commit()
    order_of_work = []
    for _ in range(3):
        await order(sitting)
        async with sitting.database.session() as db:
            taken = await claim_work(db, sitting.clock, "reader", (Lane.VERIFY,))
            assert taken is not None
            order_of_work.append(taken.id)
            row = await load_recording(db, taken.id)
            row.verified_at, row.verification_wanted_at = sitting.clock.now(), None
            row.lease_until = None
            await db.commit()
        sitting.clock.advance(days=25)
    assert order_of_work == [rows[1].id, rows[2].id, rows[0].id]


async def test_damage_found_on_patrol_is_an_alarm_and_nothing_is_touched(sitting: Sitting) -> None:
    recording = await sealed(sitting)
    working = make_worker(sitting)
    assert await working.work_once()
    path = sorted(recording.folder(sitting.root).glob("tracks/*/*.lxj"))[0]
    whole, data = path.read_bytes(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1

    async def patrol() -> None:
        sitting.clock.advance(days=81)
        assert await order(sitting) == timedelta(0)
        assert await working.work_once()

    async def open_alarms() -> int:
        async with sitting.database.session() as db:
            return len(await list_alarms(db, SYSTEM, AlarmState.OPEN))

    path.write_bytes(data)
    before = {file: file.read_bytes() for file in recording.folder(sitting.root).rglob("*") if file.is_file()}
    await patrol()
    async with sitting.database.session() as db:
        (alarm,) = await list_alarms(db, SYSTEM, AlarmState.OPEN)
    assert (alarm.kind, alarm.recording_id) == (AlarmKind.CHANGED, recording.id)
    assert path.name in alarm.findings[0]["text"] and alarm.findings[0]["start"] <= len(data) // 2
    assert before == {file: file.read_bytes() for file in before}
    await patrol()
    assert await open_alarms() == 1  # The same damage, known already.
    path.write_bytes(whole)
    await patrol()
    path.write_bytes(data)
    await patrol()
    assert await open_alarms() == 2  # It was whole meanwhile: this is new.


async def test_neither_sealing_nor_composing_waits_for_a_reading(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, finish = asyncio.Event(), asyncio.Event()

    async def read_for_long(*_: object) -> Verdict:
        reading.set()
        await finish.wait()
        return Verdict(sitting.root)

    async def compose_at_once(self: composer.Composer, recording: Recording) -> None:
        async with self._database.session() as db:
            (await load_recording(db, recording.id)).composition = CompositionState.DONE
            await db.commit()

    monkeypatch.setattr(verifier, "examine", read_for_long)
    monkeypatch.setattr(composer.Composer, "compose", compose_at_once)
    first = await sealed(sitting)
    running = asyncio.create_task(make_worker(sitting).run())
    await reading.wait()
    second = await sitting.record(1.0)
    for _ in range(1000):
        sitting.clock.advance(seconds=0.1)
        done = await reload(sitting, second)
        if done.state is RecordingState.SEALED and done.composition is CompositionState.DONE:
            break
        await asyncio.sleep(0.01)
    assert (done.state, done.composition) == (RecordingState.SEALED, CompositionState.DONE)
    async with sitting.database.session() as db:
        assert await last_verification(db, first.id) is None
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_worker_told_to_stop_stops_though_its_lease_cannot_be_given_back(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, database = asyncio.Event(), {"locked": True}

    async def work_for_long(self: worker.RecordingsWorker, lanes: object = None) -> bool:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if database["locked"]:
                raise OSError("the database is locked") from None
            raise
        return True

    monkeypatch.setattr(worker.RecordingsWorker, "work_once", work_for_long)
    running = asyncio.create_task(make_worker(sitting).run())
    await begun.wait()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=5)
    database["locked"] = False
    if not done:
        running.cancel()
    assert done, "it goes on for ever"
    assert running.cancelled()


async def test_a_running_worker_orders_the_patrol_by_itself(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[timedelta] = []

    async def note(_: object, clock: Clock, period: timedelta) -> timedelta:
        asked.append(period)
        return timedelta(minutes=5)

    monkeypatch.setattr(watcher, "order_patrol", note)
    working = make_worker(sitting)
    assert await working.watch_once()  # The first night's completeness.
    for minutes in (0, 1, 5):
        sitting.clock.advance(minutes=minutes)
        assert not await working.watch_once()
    assert asked == [PERIOD, PERIOD]
