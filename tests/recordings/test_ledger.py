"""The recordings worker keeps each office's ledger; at night its chain is held against rows and register."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.policy import SYSTEM
from recordings import verifier
from recordings.alarms import AlarmKind, AlarmState, Trouble, list_alarms
from recordings.evidence.day_root import Leaf, days_of, ledger_of, read_day
from recordings.evidence.examiner import Witnesses, judge_folder
from recordings.evidence.keys import open_register, read_register
from recordings.evidence.manifest import canonical, sha256_hex
from recordings.evidence.proof import last_verification
from recordings.evidence.signing import load_signer
from recordings.evidence.verdict import Verdict
from recordings.packages.check import verify_path
from recordings.recording import Recording, RecordingState
from recordings.watch.chain_watch import check_chains
from recordings.watch.ledger import days_due, keep_ledger
from recordings.watch.office_check import verify_office
from tests.recordings.sitting import Sitting
from tests.recordings.test_completeness import change, close
from tests.recordings.test_proof import sealed
from tests.recordings.test_worker import make_worker

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def database_system() -> str:
    """One system is enough here; test_destruction.py keeps and checks a ledger on both."""
    return "sqlite"


def leaf(number: int) -> Leaf:
    return Leaf(number, f"{number}", f"{number:064x}")


def due(sealed_at: list[datetime], now: datetime, last: date | None = None) -> list[tuple[str, list[int]]]:
    owed = [(leaf(number), at) for number, at in enumerate(sealed_at, 1)]
    return [(day.isoformat(), [one.number for one in leaves]) for day, leaves in days_due(owed, last, now)]


def test_a_day_is_due_when_it_is_over_in_beijing() -> None:
    midnight = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    assert due([NOON], midnight + timedelta(minutes=29)) == []
    assert due([NOON], midnight + timedelta(minutes=30)) == [("2026-11-20", [1])]
    assert due([], midnight + DAY) == []


def test_days_that_were_missed_are_made_up_for_and_never_go_back() -> None:
    times = [NOON, NOON + DAY, NOON, NOON + 3 * DAY, NOON + 9 * DAY]
    expected = [("2026-11-20", [1]), ("2026-11-21", [2, 3]), ("2026-11-23", [4])]
    assert due(times, NOON + 9 * DAY) == expected
    # Committed after its day was written: it stands in the next one.
    assert due([NOON], NOON + DAY, date(2026, 11, 20)) == []
    assert due([NOON], NOON + 2 * DAY, date(2026, 11, 20)) == [("2026-11-21", [1])]


async def keep(sitting: Sitting) -> int:
    async with sitting.database.session() as db:
        signer = load_signer(sitting.root.parent / "keys")
        return await keep_ledger(db, sitting.clock, sitting.root, signer)


async def chains(sitting: Sitting) -> list[Trouble]:
    async with sitting.database.session() as db:
        register = open_register(sitting.root.parent / "keys")
        return await check_chains(db, sitting.clock, sitting.root, register)


async def said(sitting: Sitting) -> str:
    found = await chains(sitting)
    assert all(trouble.kind is AlarmKind.CHAIN and trouble.session_id is None for trouble in found)
    return "\n".join(str(trouble.findings[0]["text"]) for trouble in found)


async def three(sitting: Sitting) -> tuple[list[Recording], Path]:
    """Three recordings of one day, and the office's ledger after it."""
    rows = [await sealed(sitting) for _ in range(3)]
    sitting.clock.advance(days=1)
    assert await keep(sitting) == 1
    return rows, ledger_of(sitting.root, rows[0].organisation_id)


async def test_the_worker_writes_the_day_and_reads_against_it(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(folder: Path, _: str | None, witnesses: Witnesses) -> Verdict:
        assert witnesses.register is not None and witnesses.ledgers is not None
        return judge_folder(folder, read_register(witnesses.register), witnesses.ledgers)

    monkeypatch.setattr(verifier, "examine", here)  # A process of its own takes longer than it reads.
    recording = await sealed(sitting)
    working = make_worker(sitting)
    ledger = ledger_of(sitting.root, recording.organisation_id)
    assert await working.watch_once() and days_of(ledger) == []
    sitting.clock.advance(days=1)
    await working.watch_once()
    (path,) = days_of(ledger)
    day = read_day(path)
    assert [one.manifest_sha256 for one in day.leaves] == [recording.manifest_sha256]
    assert day.content["organisation"]["region_code"] == "620102" and day.content["previous_sha256"] is None
    assert await keep(sitting) == 0, "what is written is never written again"
    assert await working.work_once()
    async with sitting.database.session() as db:
        found = await last_verification(db, recording.id)
    assert found is not None and found.intact
    # Somebody with the key and the database changes the manifest: only the ledger still tells.
    folder = recording.folder(sitting.root)
    content = json.loads((folder / "manifest.json").read_bytes())
    content["recording"]["title"] = "changed"

    data = canonical(content)
    (folder / "manifest.json").write_bytes(data)
    signer = load_signer(sitting.root.parent / "keys")
    (folder / "manifest.sig").write_bytes(canonical(signer.sign(data)))
    wanted: dict[str, Any] = {"manifest_sha256": sha256_hex(data)}
    sitting.clock.advance(seconds=1)
    await change(sitting, recording, **wanted, verification_wanted_at=sitting.clock.now())
    assert await working.work_once()
    async with sitting.database.session() as db:
        found = await last_verification(db, recording.id)
    assert found is not None and [one["code"] for one in found.findings] == ["recording_replaced"]


async def test_days_are_chained_and_the_whole_is_checked_without_the_database(sitting: Sitting) -> None:
    rows, ledger = await three(sitting)
    rows.append(await sealed(sitting))
    sitting.clock.advance(days=1)
    assert await keep(sitting) == 1
    first, second = (read_day(path) for path in days_of(ledger))
    assert second.content["previous_sha256"] == first.sha256 and second.content["number"] == 2
    assert [one.number for one in first.leaves + second.leaves] == [1, 2, 3, 4]
    verdict = verify_office(sitting.root, "620102", open_register(sitting.root.parent / "keys"))
    assert verdict.intact and (verdict.recordings, verdict.days) == (4, 2), verdict.lines()
    assert verify_path(rows[3].folder(sitting.root)).notes[0].code == "day_root"
    assert await chains(sitting) == []
    shutil.rmtree(rows[1].folder(sitting.root))
    verdict = verify_office(sitting.root, "620102")
    assert f"缺少第 2（{rows[1].id[:8]}） 号" in verdict.lines()[1]


async def test_rows_that_were_taken_out_or_moved_are_named_at_night(sitting: Sitting) -> None:
    rows, _ = await three(sitting)
    assert await said(sitting) == ""
    await change(sitting, rows[1], chain_number=None)
    text = await said(sitting)
    assert f"缺少第 2（{rows[1].id[:8]}） 号录像：在第 1（{rows[0].id[:8]}） 号之后" in text
    await change(sitting, rows[1], chain_number=9)
    assert "缺少第 2" in await said(sitting) and "顺序被改动" in await said(sitting)
    await change(sitting, rows[1], chain_number=2, manifest_sha256="0" * 64)
    assert "不是当日日根登记的那一份" in await said(sitting)


async def test_destroyed_without_a_record_is_missing(sitting: Sitting) -> None:
    rows, _ = await three(sitting)
    await change(sitting, rows[2], state=RecordingState.DESTROYED)
    assert f"缺少第 3（{rows[2].id[:8]}） 号" in await said(sitting)


async def test_a_ledger_that_is_gone_or_stands_still(sitting: Sitting) -> None:
    rows, ledger = await three(sitting)
    sitting.clock.advance(days=1)
    path = days_of(ledger)[0]
    leaves = path.with_suffix(".leaves").read_bytes()
    path.with_suffix(".leaves").write_bytes(leaves[:-1])
    assert "叶子清单" in await said(sitting)
    assert await keep(sitting) == 0, "nothing is written on top of what is wrong"
    path.with_suffix(".leaves").write_bytes(leaves)
    shutil.rmtree(ledger)
    assert "没有列入日根" in await said(sitting)
    assert rows[0].chain_number == 1


async def test_the_night_makes_alarms_of_it_once(sitting: Sitting) -> None:
    rows, ledger = await three(sitting)
    await close(sitting)
    for path in ledger.iterdir():
        path.write_bytes(b"x")
    working = make_worker(sitting)
    for _ in range(2):
        await working.watch_once()
        sitting.clock.advance(days=1)
    async with sitting.database.session() as db:
        alarms = [
            one for one in await list_alarms(db, SYSTEM, AlarmState.OPEN) if one.kind is AlarmKind.CHAIN
        ]
    texts = [one.findings[0]["text"] for one in alarms]
    assert len(texts) == len(set(texts)) == 2 and any("无法解读" in text for text in texts)
    assert len(rows) == 3
