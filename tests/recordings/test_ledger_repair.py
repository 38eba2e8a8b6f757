"""A day root that is lost or damaged is missed, not made anew, and comes back byte for byte with a mark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from cases.audit import AuditEntry
from recordings.evidence.day_root import days_of, ledger_of
from recordings.evidence.keys import open_register
from recordings.recording import Recording
from recordings.watch.day_lines import read_line
from recordings.watch.day_statement import RESTORED, DayStatement, restore_days
from recordings.watch.office_check import verify_office
from tests.recordings.sitting import Sitting
from tests.recordings.test_completeness import change
from tests.recordings.test_ledger import keep, said
from tests.recordings.test_proof import sealed
from web.cli import app


async def two_days(sitting: Sitting) -> tuple[list[Recording], Path]:
    """One recording under each of two days."""
    rows = []
    for _ in range(2):
        rows.append(await sealed(sitting))
        sitting.clock.advance(days=1)
        assert await keep(sitting) == 1
    assert await said(sitting) == ""
    return rows, ledger_of(sitting.root, rows[0].organisation_id)


def files(ledger: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(ledger.iterdir()) if path.is_file()}


async def restore(sitting: Sitting, rows: list[Recording]) -> list[tuple[str, str]]:
    async with sitting.database.session() as db:
        done = await restore_days(db, sitting.clock, rows[0].organisation_id, sitting.root)
    return [(one.day, one.trouble) for one in done]


async def test_a_lost_day_is_missed_and_nothing_is_written_in_its_place(sitting: Sitting) -> None:
    rows, ledger = await two_days(sitting)
    before, (first, last) = files(ledger), days_of(ledger)
    for path in (last, first):
        for lost in ledger.glob(f"{path.stem}.*"):
            lost.unlink()
        assert f"日根 {path.stem} 的文件丢失" in await said(sitting)
        # Before, the worker would have made the newest day anew, and none would have known.
        assert await keep(sitting) == 0 and not path.exists()
    assert [day for day, _ in await restore(sitting, rows)] == [first.stem, last.stem]
    after = files(ledger)
    assert {name: data for name, data in after.items() if not name.endswith(RESTORED)} == before
    mark = json.loads(after[f"{first.stem}{RESTORED}"])
    assert (mark["from"], len(mark["files"])) == ("database", 3)
    assert read_line(first, None, None).restored_at is not None
    assert await said(sitting) == "" and await restore(sitting, rows) == [] and await keep(sitting) == 0
    verdict = verify_office(sitting.root, "620102", open_register(sitting.root.parent / "keys"))
    assert verdict.intact and verdict.days == 2, verdict.lines()
    assert any("恢复" in line for line in verdict.lines())
    async with sitting.database.session() as db:
        entry = (await db.scalars(select(AuditEntry).where(AuditEntry.action == "ledger.restored"))).one()
        assert first.stem in entry.detail["days"]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_what_is_damaged_is_moved_aside_and_never_deleted(sitting: Sitting) -> None:
    rows, ledger = await two_days(sitting)
    path, wrong = days_of(ledger)[0], b"{}\n"
    for suffix in (".json", ".sig", ".leaves"):
        whole = path.with_suffix(suffix).read_bytes()
        path.with_suffix(suffix).write_bytes(wrong)
        assert path.stem in await said(sitting), suffix
        assert await restore(sitting, rows) == [(path.stem, "")]
        assert path.with_suffix(suffix).read_bytes() == whole and await said(sitting) == ""
        (aside,) = ledger.glob(f"*{suffix}.damaged-*")
        assert aside.read_bytes() == wrong


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_day_that_was_signed_again_is_not_the_one_that_was_noted(sitting: Sitting) -> None:
    """With the key and the disk somebody makes another statement; the row still has the first."""
    rows, ledger = await two_days(sitting)
    last = days_of(ledger)[-1]
    noted = last.read_bytes()
    shutil.rmtree(ledger)
    await change(sitting, rows[1], manifest_sha256="0" * 64)
    assert dict(await restore(sitting, rows))[last.stem].startswith("录像登记与日根不符")
    assert not last.exists()
    await change(sitting, rows[1], manifest_sha256=rows[1].manifest_sha256)
    assert await restore(sitting, rows) == [(last.stem, "")]
    assert last.read_bytes() == noted


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_days_from_before_there_were_rows_are_taken_in(sitting: Sitting) -> None:
    rows, ledger = await two_days(sitting)
    async with sitting.database.session() as db:
        known = (await db.scalars(select(DayStatement).order_by(DayStatement.day))).all()
    assert [row.day.isoformat() for row in known] == [path.stem for path in days_of(ledger)]
    assert known[0].statement.encode() == days_of(ledger)[0].read_bytes() and len(rows) == 2


def test_the_command_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_STATE", str(tmp_path))
    assert CliRunner().invoke(app, ["ledger", "restore"]).exit_code == 1  # There is no database yet.
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    done = CliRunner().invoke(app, ["ledger", "restore"])
    assert done.exit_code == 0 and "与登记一致" in done.output
