"""The pages of the evidence at size: an index answers each question, and pages join without gap or double."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from cases.database import Database
from recordings.evidence.day_root import days_of
from recordings.watch import standing
from recordings.watch.day_lines import LedgerGlance, glance
from recordings.watch.standing import Place, Standing, list_standing, office_standing, read_place
from tests.clock import FixedClock
from tests.recordings.archives import BEGIN
from tests.recordings.standings import HARMED, LEADER, NEVER, write_readings

COUNT = 480  # Eight recordings of each of sixty offices.
Asked = list[tuple[str, Any]]


@contextmanager
def listening(database: Database) -> Iterator[Asked]:
    """The statements and their parameters as the driver gets them."""
    asked: Asked = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def half(clock: FixedClock) -> timedelta:
    """A period within which the younger half was read."""
    return clock.now() - datetime.fromtimestamp(BEGIN - COUNT // 2 * 1200 - 600, UTC)


async def plans(database: Database, asked: Asked, table: str) -> list[str]:
    """How the database means to answer those of the statements that read ``table``."""
    postgresql = database.url.drivername.startswith("postgresql")
    found = []
    async with database.engine.connect() as connection:
        if postgresql:  # Of so few rows it would read all; asked is whether it can do otherwise.
            await connection.exec_driver_sql("SET enable_seqscan = off")
            await connection.exec_driver_sql("SET enable_bitmapscan = off")
        for statement, parameters in asked:
            if table in statement:
                explain = f"EXPLAIN {'' if postgresql else 'QUERY PLAN '}{statement}"
                rows = await connection.exec_driver_sql(explain, parameters)
                found.append("\n".join(str(row[-1]) for row in rows))
    return found


async def test_each_question_has_its_index_and_their_number_does_not_grow(database: Database) -> None:
    await write_readings(database, COUNT)
    clock = FixedClock()
    with listening(database) as asked:
        async with database.session() as db:
            offices, after = await list_standing(db, clock, LEADER)
    assert len(offices) == standing.PAGE_SIZE and after is not None
    assert sum("recordings" in statement or "office_checks" in statement for statement, _ in asked) == 2
    (plan,) = await plans(database, asked, "FROM recordings")
    assert "ix_recordings_readings" in plan and "ix_verifications_damaged" in plan, plan
    harm = next(line for line in plan.splitlines() if "ix_verifications_damaged" in line)
    assert "SCAN" in harm or "recording_id" not in harm, "it begins with the few that are damaged"
    assert "INDEX ix_recordings_readings" in plan or "Only Scan using ix_recordings_readings" in plan, plan
    with listening(database) as asked:
        async with database.session() as db:
            one, wanting = await office_standing(db, clock, LEADER, "o7", half(clock))
    assert (one.recordings, one.overdue, one.damaged) == (8, 4, 1)
    assert [reading.recording_id for reading in wanting] == ["r427", "r367", "r307", "r247", "r7"]
    assert [reading.damaged for reading in wanting] == [False] * 4 + [True]
    found = await plans(database, asked, "FROM recordings")
    assert len(found) == 4  # What is counted, then what is damaged, overdue, and was never read.
    assert all("ix_recordings_readings" in each or "ix_verifications_damaged" in each for each in found), (
        found
    )


async def test_pages_hold_every_office_once_and_the_troubled_come_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_readings(database, COUNT)
    monkeypatch.setattr(standing, "PAGE_SIZE", 7)
    clock, seen, after = FixedClock(), list[Standing](), None
    for _ in range(9):
        async with database.session() as db:
            offices, place = await list_standing(db, clock, LEADER, after, half(clock))
        seen += offices
        after = read_place(place.spelled()) if place else None
        assert after == place
    assert after is None and len({one.organisation_id for one in seen}) == len(seen) == 60
    order = [(-one.damaged, -one.overdue) for one in seen]
    assert order == sorted(order) and len(set(order)) > 2
    read = [number for number in range(COUNT) if number % NEVER != 3]
    assert sum(one.damaged for one in seen) == sum(number % HARMED == 7 for number in read)
    assert sum(one.unread for one in seen) == COUNT - len(read)
    assert sum(one.overdue for one in seen) == COUNT // 2 - 1
    assert sum(one.recordings for one in seen) == COUNT and {one.newest for one in seen} == {8}
    assert all(one.size == 8_000_000 and one.oldest is not None for one in seen)


def test_a_place_that_is_none_begins_at_the_first() -> None:
    assert read_place("3-12-620102-abc") == Place(3, 12, "620102", "abc")
    for odd in ("", "-", "1-2-3", "x-2-3-4", "1-²-3-4", "-1-2-3-4", "9999999999-1-2-3", "1-2-3-"):
        assert read_place(odd) is None, odd


def test_a_glance_at_a_ledger_counts_what_reading_it_would_find(tmp_path: Path) -> None:
    assert glance(tmp_path / "none") == LedgerGlance()
    names = [(date(2026, 11, 1) + timedelta(days=day)).isoformat() for day in range(5)]
    for name in names:
        for suffix in ("json", "sig", "leaves", "restored"):
            (tmp_path / f"{name}.{suffix}").touch()
    for odd in ("2026-11-09.json.damaged-1", "stamping.json", f"{names[1]}.tsr", f"{names[4]}.tsr", "x.tsr"):
        (tmp_path / odd).touch()
    assert glance(tmp_path) == LedgerGlance(len(days_of(tmp_path)), names[4], 3)
    (tmp_path / f"{names[0]}.tsr").touch()
    assert glance(tmp_path).unstamped == 2, "it looks again when something came"
    (tmp_path / "file").touch()
    assert glance(tmp_path / "file") == LedgerGlance()
