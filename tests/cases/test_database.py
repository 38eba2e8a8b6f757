"""The database base: migrations, refusal of newer schemas, column types, and history that only grows."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from datetime import datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.exc import DatabaseError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.append_only import APPEND_ONLY, AppendOnlyError
from cases.audit import AuditEntry, record_audit
from cases.audit_check import check_audit
from cases.database import Base, Database, normalise_url
from cases.people import Person
from cases.petitions import PetitionEvent
from cases.policy import SYSTEM
from cases.schema import SchemaTooNew, SchemaTooOld
from scheduling.session_events import SessionEvent
from tests.clock import FixedClock
from tests.databases import DatabaseServer
from tests.factories import World, make_petition, make_session

PACKAGES = ("cases", "scheduling", "recordings", "signaling")


def import_all_tables() -> None:
    """Import every module that may map a table, so that the metadata is whole."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if not found.name.startswith("cases.migrations"):
                importlib.import_module(found.name)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


async def test_a_newer_schema_is_refused(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999"):
        await database.migrate()
    with pytest.raises(SchemaTooNew):
        await database.check_schema()


async def test_an_empty_database_is_too_old(database_server: DatabaseServer, database_system: str) -> None:
    database = Database(database_server.create_empty(database_system))
    with pytest.raises(SchemaTooOld):
        await database.check_schema()
    await database.close()


async def test_two_processes_migrate_at_once(database_server: DatabaseServer, database_system: str) -> None:
    url = database_server.create_empty(database_system)
    both = Database(url), Database(url)
    await asyncio.gather(*(each.migrate() for each in both))
    for each in both:
        await each.check_schema()
        await each.close()
    database_server.drop(url)


async def test_migrations_and_mapped_classes_agree(database: Database) -> None:
    import_all_tables()
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_sqlite_is_durable_and_checks_references(database: Database, database_system: str) -> None:
    if database_system != "sqlite":
        pytest.skip("About SQLite alone.")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    async with database.engine.connect() as connection:
        for pragma, value in wanted.items():
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar() == value


def test_only_two_systems_are_known() -> None:
    assert normalise_url("sqlite:///x.db").drivername == "sqlite+aiosqlite"
    assert normalise_url("postgresql://host/x").drivername == "postgresql+psycopg"
    with pytest.raises(ValueError, match="mysql"):
        normalise_url("mysql://host/x")


async def test_a_time_without_zone_is_refused(db: AsyncSession) -> None:
    db.add(Person(id="p", name="某人", created_at=datetime(2026, 7, 22, 9, 0)))
    with pytest.raises(StatementError, match="without a zone"):
        await db.flush()


async def test_times_come_back_in_utc(database: Database) -> None:
    beijing = timezone(timedelta(hours=8))
    async with database.session() as db:
        db.add(Person(id="p", name="某人", created_at=datetime(2026, 7, 22, 9, 0, 0, 123456, tzinfo=beijing)))
        await db.commit()
    async with database.session() as db:
        found = (await db.get_one(Person, "p")).created_at
    assert found.isoformat() == "2026-07-22T01:00:00.123456+00:00"


def test_every_history_is_append_only() -> None:
    assert {AuditEntry, PetitionEvent, SessionEvent} <= APPEND_ONLY


@pytest.mark.parametrize("model", [AuditEntry, PetitionEvent, SessionEvent])
async def test_history_is_neither_changed_nor_deleted(
    db: AsyncSession, clock: FixedClock, world: World, model: type[Base]
) -> None:
    await make_session(db, clock, world)
    with pytest.raises(AppendOnlyError):
        await db.execute(update(model).values(id="other"))
    with pytest.raises(AppendOnlyError):
        await db.execute(delete(model))
    for statement in (f"UPDATE {model.__tablename__} SET id = 'other'", f"DELETE FROM {model.__tablename__}"):
        with pytest.raises(DatabaseError, match="append-only"):
            await db.execute(text(statement))
        await db.rollback()


async def test_a_loaded_event_is_not_changed(db: AsyncSession, clock: FixedClock, world: World) -> None:
    await make_petition(db, clock, world.chengguan)
    event = (await db.execute(text("SELECT id FROM petition_events"))).scalar_one()
    row = await db.get_one(PetitionEvent, event)
    row.kind = "something.else"
    with pytest.raises(AppendOnlyError):
        await db.flush()


async def test_many_writers_make_one_chain(database: Database, clock: FixedClock) -> None:
    async def write() -> None:
        async with database.session() as db:
            await record_audit(db, clock, SYSTEM, "thing.done", "thing", None)

    await asyncio.gather(*(write() for _ in range(12)))
    async with database.session() as db:
        assert (await check_audit(db)).intact


async def test_a_glance_leaves_no_transaction_and_its_connection_is_as_before(database: Database) -> None:
    async with database.glance() as db:
        assert await db.scalar(text("SELECT 1")) == 1
        if database.engine.dialect.name == "postgresql":
            state = await db.run_sync(lambda on: on.connection().connection.driver_connection.info)
            assert state.transaction_status == TransactionStatus.IDLE
    async with database.session() as db:  # The pool hands out the connection that was just given back.
        await db.execute(text("UPDATE alembic_version SET version_num = 'x'"))
        await db.rollback()
        assert await db.scalar(text("SELECT version_num FROM alembic_version")) != "x"


async def test_a_connection_that_died_at_rest_is_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name != "postgresql":
        return
    own, others = text("SELECT pg_backend_pid()"), text("SELECT pg_terminate_backend(:pid)")
    async with database.session() as db:
        pid = await db.scalar(own)
    other = Database(database.url.render_as_string(hide_password=False))
    async with other.session() as db:
        assert await db.scalar(others, {"pid": pid})
    await other.close()
    monkeypatch.setattr("cases.database.TRUSTED_SECONDS", 0.0)
    async with database.session() as db:
        assert await db.scalar(own) != pid
