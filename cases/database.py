"""The database: one engine, the mapped base, and the column types that behave alike on both systems."""

from __future__ import annotations

import enum
import functools
import re
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, String, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from cases import schema

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
UseCase = Callable[Concatenate[AsyncSession, Parameters], Coroutine[Any, Any, Result]]

ID_LENGTH = 32
BUSY_TIMEOUT_MS = 10_000
# A connection to PostgreSQL that was given back so recently is taken for living.
TRUSTED_SECONDS = 1.0
RESTS_SINCE = "rests_since"
# A new connection is a process that knows no table yet and takes 50 ms to plan what an old one plans in two:
# so fifteen are kept after a rush, and the one that was used last is used next.
POOL: Mapping[str, Any] = MappingProxyType({"pool_size": 15, "max_overflow": 5, "pool_use_lifo": True})
# Statements that a connection remembers as planned; all pages together have some three hundred.
MOST_PREPARED = 500
READS_ONLY = "reads_only"  # In the `info` of a session: nothing is changed in it.
_HOSTILE = re.compile(r"[\x00\ud800-\udfff]")
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> str:
    """Return a fresh random identifier: 32 lower-case hexadecimal characters."""
    return uuid.uuid4().hex


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, in and out, on SQLite (which keeps no zone) and PostgreSQL alike."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A datetime without a zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(kind: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in kind]


class Base(DeclarativeBase):
    """Parent of every mapped class. Enumerations are stored by value in VARCHAR(32)."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        enum.Enum: Enum(enum.Enum, native_enum=False, length=32, values_callable=_values),
        dict[str, Any]: JSON(),
        str: String(),
    }


def normalise_url(url: str) -> URL:
    """Return `url` with the driver this program uses; plain `sqlite:` and `postgresql:` are accepted.

    Raises ValueError for any other database.
    """
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+psycopg",
        "postgres": "postgresql+psycopg",
    }
    system = parsed.drivername.partition("+")[0]
    if system not in drivers:
        raise ValueError(f"Only SQLite and PostgreSQL are supported, not {system!r}.")
    return parsed.set(drivername=drivers[system])


class Database:
    """One database: hands out sessions, brings the schema up to date, and closes its connections."""

    def __init__(self, url: str) -> None:
        self.url = normalise_url(url)
        pool = POOL if self._is_postgresql() else {}
        self.engine: AsyncEngine = create_async_engine(self.url, **pool)
        event.listen(self.engine.sync_engine, "before_cursor_execute", _storable, retval=True)
        if self._is_postgresql():
            event.listen(self.engine.sync_engine, "connect", _prepare_postgresql)
            event.listen(self.engine.sync_engine, "checkin", _begin_rest)
            event.listen(self.engine.sync_engine, "checkout", _end_rest(self.engine.dialect))
        else:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        # On SQLite this would cost more than it saves: turning it on and off are two turns of its thread.
        glancing = self.engine
        if self._is_postgresql():
            glancing = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._glances = async_sessionmaker(glancing, expire_on_commit=False)

    def _is_postgresql(self) -> bool:
        return self.url.drivername.startswith("postgresql")

    def session(self) -> AsyncSession:
        """Return a new session, to be used as `async with database.session() as db`."""
        return self._sessions()

    def reading(self) -> AsyncSession:
        """Return a new session for a page that shows and changes nothing: what it loaded, it loads once."""
        return self._sessions(info={READS_ONLY: True})

    def glance(self) -> AsyncSession:
        """Return a new session for a single statement, which needs no transaction around it.

        On PostgreSQL every statement is one of its own: no BEGIN before it and no ROLLBACK after it.
        """
        return self._glances()

    async def migrate(self) -> None:
        """Bring the schema to the newest revision. Raises SchemaTooNew if the database is ahead of us."""
        async with self.engine.connect() as connection:
            await connection.run_sync(schema.upgrade)
            await connection.commit()

    async def check_schema(self) -> None:
        """Refuse to work on another schema. Raises SchemaTooNew or SchemaTooOld."""
        async with self.engine.connect() as connection:
            await connection.run_sync(schema.check)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",  # First: switching to WAL itself may have to wait.
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgresql(connection: Any, record: object) -> None:
    """Statements of pages take milliseconds, and many are asked at once: to compile one, or to spread it over
    workers, takes longer than it does, and the cores that others wait for.
    """
    cursor = connection.cursor()
    for setting in ("jit = off", "max_parallel_workers_per_gather = 0"):
        cursor.execute(f"SET {setting}")
    cursor.close()
    connection.commit()  # Otherwise the first rollback takes them back.
    driver = connection.driver_connection
    driver.prepared_max = MOST_PREPARED


def _begin_rest(connection: object, record: ConnectionPoolEntry) -> None:
    record.info[RESTS_SINCE] = time.monotonic()


def _end_rest(dialect: Dialect) -> Callable[[Any, ConnectionPoolEntry, object], None]:
    """A connection that lay idle is asked whether it still lives; one that was just used is not, for every
    page would pay for it. The pool replaces a dead one, and all that are as old."""

    def look(connection: Any, record: ConnectionPoolEntry, fairy: object) -> None:
        since = record.info.get(RESTS_SINCE)
        if since is None or time.monotonic() - since < TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return look


def _storable(
    connection: object, cursor: object, statement: str, parameters: Any, context: object, many: bool
) -> tuple[str, Any]:
    """Replace what PostgreSQL cannot take (NUL, lone surrogates): a hostile path is simply not found."""
    rows = many and isinstance(parameters, list)  # Several rows in one INSERT come as one flat row.
    return statement, [_clean_row(row) for row in parameters] if rows else _clean_row(parameters)


def _clean_row(row: Any) -> Any:
    values = row.values() if isinstance(row, dict) else row or ()
    if not any(_is_hostile(value) for value in values):
        return row
    if isinstance(row, dict):
        return {key: _replace_hostile(value) for key, value in row.items()}
    return tuple(_replace_hostile(value) for value in row)


def _is_hostile(value: object) -> bool:
    return isinstance(value, str) and _HOSTILE.search(value) is not None


def _replace_hostile(value: Any) -> Any:
    return _HOSTILE.sub("\ufffd", value) if isinstance(value, str) else value


def atomic(use_case: UseCase[Parameters, Result]) -> UseCase[Parameters, Result]:
    """Make a use case all or nothing: if it raises, what it wrote is abandoned before the caller goes on."""

    @functools.wraps(use_case)
    async def run(db: AsyncSession, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return await use_case(db, *args, **kwargs)
        except Exception:
            await abandon(db)
            raise

    return run


async def abandon(db: AsyncSession) -> None:
    """Roll back. Objects loaded so far are let go of first, so that they stay readable as they were."""
    db.expunge_all()
    await db.rollback()


async def insert_if_absent(db: AsyncSession, model: type[Base], **values: object) -> None:
    """Insert a row unless one with the same key is there; never raises for the race of two inserts."""
    table = model.__table__
    assert isinstance(table, Table)
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(postgresql.insert(table).values(**values).on_conflict_do_nothing())
    else:
        await db.execute(sqlite.insert(table).values(**values).on_conflict_do_nothing())


def violates(error: IntegrityError, *names: str) -> bool:
    """Tell whether `error` is about one of `names`: an index name (PostgreSQL) or `table.column` (SQLite)."""
    text = str(error.orig)
    return any(name in text for name in names)
