"""Schema revisions: upgrade in place, inside a running event loop, and refuse what a newer program wrote."""

from __future__ import annotations

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

MIGRATIONS = Path(__file__).parent / "migrations"
# An arbitrary constant: two processes that start together must not migrate together.
ADVISORY_LOCK = 6_201_001


class SchemaTooNew(Exception):
    """The database was written by a newer version of the program."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(f"数据库结构版本 {revision} 比本程序新，请升级程序后再启动。")


class SchemaTooOld(Exception):
    """The database has not been migrated yet."""

    def __init__(self, revision: str | None) -> None:
        self.revision = revision
        super().__init__(f"数据库结构版本 {revision or '（空）'} 较旧，请先运行 lianxin migrate。")


def upgrade(connection: Connection) -> None:
    """Run every missing migration in one transaction; the caller commits. Raises SchemaTooNew."""
    _lock(connection)
    if _known(connection) != _scripts().get_current_head():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Raise SchemaTooNew or SchemaTooOld unless the schema is exactly ours."""
    found = _known(connection)
    if found != _scripts().get_current_head():
        raise SchemaTooOld(found)


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    else:
        # The sqlite3 module opens no transaction for DDL by itself.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@functools.cache
def _scripts() -> ScriptDirectory:
    """Every revision of this program, read once."""
    return ScriptDirectory.from_config(_config())


@functools.cache
def _revisions() -> frozenset[str]:
    """Walked through once: there are more of them from year to year."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _known(connection: Connection) -> str | None:
    """The revision the database is at. Raises SchemaTooNew if it is none of ours."""
    found = current_revision(connection)
    if found is not None and found not in _revisions():
        raise SchemaTooNew(found)
    return found
