"""Who looked at what, of one office or all: an index answers in the order of time, also of old rows."""

from __future__ import annotations

import importlib.util

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from cases.database import Database
from cases.schema import MIGRATIONS
from recordings.review.view_audit import PAGE, AuditQuery, list_views
from tests.recordings.standings import AUDITOR, UNSEEN, write_readings
from tests.recordings.test_standing import listening, plans

COUNT = 240  # Four recordings of each of sixty offices.
VIEWINGS = ("recording_accesses", "view_purposes", "played_ranges")


ASKED = (
    (AuditQuery(organisation_id="o7"), 12, "_organisation_id_at"),
    (AuditQuery(organisation_id=UNSEEN), 0, "_organisation_id_at"),
    (AuditQuery(), PAGE, "_at"),
    (AuditQuery(person="马秀英77"), 6, "_at"),
)


async def test_an_index_answers_in_the_order_of_time(database: Database) -> None:
    await write_readings(database, COUNT)
    async with database.engine.begin() as connection:
        # Or the plan depends on what a database of tests that is used again remembers of other rows.
        await connection.execute(text("ANALYZE"))
    for query, lines, index in ASKED:
        with listening(database) as statements:
            async with database.session() as db:
                found, after = await list_views(db, AUDITOR, query)
        assert (len(found), after is None) == (lines, lines < PAGE)
        assert not query.organisation_id or {line.office for line in found} <= {"区7"}
        for table in VIEWINGS:
            (plan,) = await plans(database, statements, f"FROM {table}")
            assert f"ix_{table}{index} " in plan.replace("\n", " "), plan
            # Only rows of the same moment are put in order, by their ids.
            sorted_whole = plan.replace("Incremental Sort  (", "")
            assert "TEMP B-TREE FOR ORDER BY" not in plan and " Sort  (" not in sorted_whole, plan


def _age(connection: Connection) -> None:
    """The three tables as they were before the office stood in them."""
    for table in VIEWINGS:
        connection.execute(text(f"DROP INDEX ix_{table}_organisation_id_at"))
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN organisation_id"))


def _migrate(connection: Connection) -> None:
    (path,) = (MIGRATIONS / "versions").glob("*_viewed_offices.py")
    spec = importlib.util.spec_from_file_location("viewed_offices", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with Operations.context(MigrationContext.configure(connection)):
        module.upgrade()


async def test_rows_from_before_get_their_office_and_stay_as_they_are_afterwards(database: Database) -> None:
    await write_readings(database, COUNT)
    async with database.engine.begin() as connection:
        await connection.run_sync(_age)
        await connection.run_sync(_migrate)
    async with database.session() as db:
        found, _ = await list_views(db, AUDITOR, AuditQuery(organisation_id="o7"))
    assert len(found) == 12
    for table in VIEWINGS:
        for act in (f"UPDATE {table} SET organisation_id = 'o8'", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="append-only"):
                async with database.engine.begin() as connection:
                    await connection.execute(text(act))
