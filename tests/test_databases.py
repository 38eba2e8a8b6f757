"""A PostgreSQL database that one test gave back and the next one gets is as good as a new one."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from cases.database import Database
from tests.clock import FixedClock
from tests.databases import DatabaseServer, missing_reason, requested_systems
from tests.factories import make_session, make_world

pytestmark = pytest.mark.skipif(
    "postgresql" not in requested_systems() or missing_reason() is not None,
    reason=missing_reason() or "PostgreSQL was not asked for.",
)


@pytest.fixture
def system() -> str:
    """On SQLite a file is copied each time, and there is nothing to show."""
    return "postgresql"


async def use(url: str) -> None:
    """Leave behind what tests leave: rows in history, in tables that refer to each other, and in others."""
    database = Database(url)
    async with database.session() as db:
        clock = FixedClock()
        await make_session(db, clock, await make_world(db, clock))
    await database.close()


async def test_it_is_empty_and_still_guarded(database_server: DatabaseServer, system: str) -> None:
    url = database_server.create(system)
    await use(url)
    database_server.drop(url)
    assert database_server.create(system) == url
    database = Database(url)
    await database.check_schema()
    async with database.session() as db:
        tables = (await db.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        counts = {name: await db.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in tables}
    assert len(counts) > 30
    assert {name for name, count in counts.items() if count} == {"alembic_version"}
    await database.close()
    await use(url)
    database = Database(url)
    async with database.session() as db:
        with pytest.raises(DBAPIError, match="append-only"):
            await db.execute(text("DELETE FROM session_events"))
    await database.close()
    database_server.drop(url)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE people ADD COLUMN shoe_size INTEGER",
        "DROP TRIGGER session_events_append_only ON session_events",
        "DROP INDEX ix_audit_entries_at; CREATE INDEX ix_audit_entries_at ON audit_entries (actor_id)",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
async def test_with_another_schema_it_is_not_given_out_again(
    database_server: DatabaseServer, system: str, change: str
) -> None:
    url = database_server.create(system)
    database = Database(url)
    async with database.engine.begin() as connection:
        for statement in change.split("; "):
            await connection.execute(text(statement))
    await database.close()
    database_server.drop(url)
    other = database_server.create(system)
    assert other != url
    database_server.drop(other)
    with pytest.raises(OperationalError, match="does not exist"):
        async with database.engine.connect():
            pass


async def test_whoever_stayed_connected_is_cut_off(database_server: DatabaseServer, system: str) -> None:
    url = database_server.create(system)
    forgotten = Database(url)
    async with forgotten.engine.connect() as connection:
        await connection.execute(text("UPDATE people SET name = ''"))
        await asyncio.to_thread(database_server.drop, url)
        assert database_server.create(system) == url
        with pytest.raises(DBAPIError, match="terminat"):
            await connection.execute(text("SELECT 1"))
    await forgotten.close()
    database_server.drop(url)
