"""Completeness: what is missing as a whole is found too, by name, and a whole office raises nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.clock import BEIJING
from cases.policy import SYSTEM
from recordings import watcher
from recordings.alarms import AlarmKind, AlarmState, Trouble, count_alarms, list_alarms
from recordings.evidence.signing import load_signer
from recordings.recording import Recording, RecordingState, load_recording, start_recording
from recordings.watch.completeness import (
    SEALED_WITHIN,
    Sitting,
    check_completeness,
    check_when_due,
    judge_sitting,
    last_check,
    night_of,
)
from recordings.watch.ledger import keep_ledger
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.clock import MORNING
from tests.disk import AMPLE
from tests.recordings.sitting import Sitting as Room
from tests.recordings.test_proof import sealed
from tests.recordings.test_worker import make_worker


@pytest.fixture
def database_system() -> str:
    """One system is enough here; test_patrol.py has a worker make the check on both."""
    return "sqlite"


async def close(room: Room) -> None:
    async with room.database.session() as db:
        await move_session(db, room.clock, SYSTEM, room.session.id, SessionState.CLOSED)
    room.clock.advance(hours=2)


async def check(room: Room) -> Sequence[Trouble]:
    signer = load_signer(room.root.parent / "keys")
    async with room.database.session() as db:
        await keep_ledger(db, room.clock, room.root, signer)  # As the worker has done long before.
        return await check_completeness(db, room.clock, room.root)


async def whole(room: Room) -> Recording:
    """A session that is over, with its sealed recording."""
    recording = await sealed(room)
    await close(room)
    return recording


async def change(room: Room, recording: Recording, **values: Any) -> None:
    async with room.database.session() as db:
        row = await load_recording(db, recording.id)
        for name, value in values.items():
            setattr(row, name, value)
        await db.commit()


def rewrite(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    edit(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


async def test_a_whole_office_raises_nothing(sitting: Room) -> None:
    await whole(sitting)
    assert await check(sitting) == []
    async with sitting.database.session() as db:
        found = await last_check(db)
        assert found is not None and (found.sessions, found.recordings, found.found) == (1, 1, 0)
        assert await count_alarms(db, SYSTEM) == 0


async def test_a_session_nobody_recorded_is_found_once(sitting: Room) -> None:
    assert await check(sitting) == []  # It is still going on.
    await close(sitting)
    (trouble,) = await check(sitting)
    assert (trouble.kind, trouble.session_id) == (AlarmKind.NOT_RECORDED, sitting.session.id)
    sitting.clock.advance(days=1)
    await check(sitting)
    async with sitting.database.session() as db:
        (alarm,) = await list_alarms(db, SYSTEM, AlarmState.OPEN)
    assert "应当录音录像" in alarm.findings[0]["text"]


async def test_a_session_that_was_not_to_be_recorded_is_none_of_it(sitting: Room) -> None:
    async with sitting.database.session() as db:
        (await db.merge(sitting.session)).record = False
        await db.commit()
    await close(sitting)
    assert await check(sitting) == []


async def test_files_that_are_not_there(sitting: Room) -> None:
    recording = await whole(sitting)
    folder = recording.folder(sitting.root)
    lost = sorted(folder.glob("tracks/*/*.lxj"))[1]
    content = lost.read_bytes()
    lost.unlink()
    (trouble,) = await check(sitting)
    assert trouble.kind is AlarmKind.FILES_MISSING
    assert trouble.findings == ({"text": f"缺少分段 {lost.relative_to(folder).as_posix()}。"},)
    lost.write_bytes(content[:-1])
    (trouble,) = await check(sitting)
    assert (trouble.kind, lost.name in trouble.findings[0]["text"]) == (AlarmKind.DIGEST, True)
    lost.write_bytes(content)
    assert await check(sitting) == []
    (folder / "manifest.json").rename(folder / "elsewhere")
    assert [item.kind for item in await check(sitting)] == [AlarmKind.FILES_MISSING]
    shutil.rmtree(folder)
    (trouble,) = await check(sitting)
    assert "整个录像目录" in trouble.findings[0]["text"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda m: m.clear(), "无法解读"),
        (lambda m: m["recording"].update(id="0" * 32), "属于另一份录像"),
        (lambda m: m["tracks"].pop(), "登记的是"),
        (lambda m: m["chain"].update(previous_manifest_sha256="0" * 64), "第 1 号断开"),
    ],
)
async def test_a_manifest_that_is_not_the_one(
    sitting: Room, edit: Callable[[dict[str, Any]], None], said: str
) -> None:
    recording = await whole(sitting)
    rewrite(recording.folder(sitting.root), edit)
    (trouble,) = await check(sitting)
    texts = [finding["text"] for finding in trouble.findings]
    assert trouble.kind is AlarmKind.DIGEST
    assert "不是封存时登记的那一份" in texts[0] and any(said in text for text in texts)


async def test_durations_that_do_not_fit(sitting: Room) -> None:
    recording = await whole(sitting)
    stopped, started = recording.stopped_at, recording.started_at
    assert stopped is not None
    for values, said in (
        ({"stopped_at": stopped + timedelta(seconds=90)}, "结尾 1 分"),
        ({"started_at": started - timedelta(seconds=90)}, "开头 1 分 30 秒"),
        ({"stopped_at": stopped - timedelta(seconds=90)}, "晚于登记的结束时间"),
        ({"composed_ms": 1, "stopped_at": stopped + timedelta(seconds=90)}, "合成录像长 0 秒"),
    ):
        await change(sitting, recording, **values)
        found = [item for item in await check(sitting) if item.recording_id == recording.id]
        assert [item.kind for item in found] == [AlarmKind.LENGTH]
        assert any(said in finding["text"] for finding in found[0].findings), (said, found)
        await change(sitting, recording, started_at=started, stopped_at=stopped, composed_ms=None)
    assert await check(sitting) == []


def test_the_part_of_a_session_without_recording_is_named() -> None:
    def row(begin: int, end: int | None) -> Recording:
        stopped = None if end is None else MORNING + timedelta(minutes=end)
        return Recording(started_at=MORNING + timedelta(minutes=begin), stopped_at=stopped)

    session = Sitting("s", MORNING, MORNING + timedelta(minutes=60), True)
    for rows, holes in (
        ([row(0, 60)], []),
        ([row(0, 20), row(20, None)], []),
        ([row(10, 60)], ["09:00:00 至 09:10:00（10 分 0 秒）"]),
        ([row(0, 20), row(25, 40)], ["09:20:00 至 09:25:00", "09:40:00 至 10:00:00"]),
    ):
        texts = [finding["text"] for item in judge_sitting(session, rows) for finding in item.findings]
        assert len(texts) == len(holes)
        assert all(hole in text for hole, text in zip(holes, texts, strict=True))


async def test_a_recording_that_was_never_sealed(sitting: Room) -> None:
    recording = await sitting.record(1.0)
    await close(sitting)
    (trouble,) = await check(sitting)
    assert (trouble.kind, "至今没有封存" in trouble.findings[0]["text"]) == (AlarmKind.NOT_SEALED, True)
    await change(sitting, recording, state=RecordingState.FAILED, trouble="nothing_recorded")
    (trouble,) = await check(sitting)
    assert "没有收到任何音视频" in trouble.findings[0]["text"]
    await change(sitting, recording, state=RecordingState.ACTIVE)
    (trouble,) = await check(sitting)
    assert "没有停止" in trouble.findings[0]["text"]


async def test_files_that_belong_to_nobody(sitting: Room) -> None:
    async with sitting.database.session() as db:
        await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
    stray, empty = sitting.root / ("a" * 32), sitting.root / ("b" * 32)
    (stray / "tracks" / "p-camera").mkdir(parents=True)
    (stray / "tracks" / "p-camera" / "000001.lxj").write_bytes(b"x" * 10)
    (empty / "tracks").mkdir(parents=True)
    touched = datetime.now(UTC)
    sitting.clock.set(touched + SEALED_WITHIN / 2)
    assert await check(sitting) == []  # Its row may still be on the way.
    sitting.clock.set(touched + SEALED_WITHIN * 2)
    (trouble,) = await check(sitting)
    assert (trouble.kind, trouble.place, trouble.session_id) == (AlarmKind.FILES_UNKNOWN, stray.name, None)
    assert "1 个文件，共 10 字节" in trouble.findings[0]["text"]
    assert os.listdir(stray) == ["tracks"]


async def test_what_was_not_read_for_too_long(sitting: Room) -> None:
    recording = await whole(sitting)
    sitting.clock.advance(days=2)
    (trouble,) = await check(sitting)  # Sealing asked for a reading, and nobody made it.
    assert (trouble.kind, "一直没有完成" in trouble.findings[0]["text"]) == (AlarmKind.OVERDUE, True)
    await change(sitting, recording, verification_wanted_at=None, verified_at=sitting.clock.now())
    sitting.clock.advance(days=90)
    assert await check(sitting) == []
    sitting.clock.advance(seconds=1)
    (trouble,) = await check(sitting)
    assert "超过了 90 天" in trouble.findings[0]["text"]


def test_a_night_begins_at_two_in_beijing() -> None:
    assert night_of(datetime(2026, 7, 22, 1, 59, tzinfo=BEIJING)) == date(2026, 7, 21)
    assert night_of(datetime(2026, 7, 22, 2, 0, tzinfo=BEIJING)) == date(2026, 7, 22)


async def test_it_is_checked_once_a_night(sitting: Room) -> None:
    async with sitting.database.session() as db:
        for hours, made in ((0, True), (0, False), (6, False), (24, True), (1, False)):
            sitting.clock.advance(hours=hours)
            assert await check_when_due(db, sitting.clock, sitting.root) is made


async def test_the_worker_checks_by_itself(sitting: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await close(sitting)
    working = make_worker(sitting)
    assert await working.watch_once()
    async with sitting.database.session() as db:
        assert await count_alarms(db, SYSTEM) == 1
    monkeypatch.setattr(watcher, "order_patrol", None)  # It is asked only when the night is done.
    sitting.clock.advance(days=1)
    assert await working.watch_once()
