"""Schema revisions: upgrade in place, inside a running event loop, and refuse what a newer program wrote."""

from __future__ import annotations

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
    config = _config(connection)
    _refuse_newer(connection, config)
    command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Raise SchemaTooNew or SchemaTooOld unless the schema is exactly ours."""
    config = _config(connection)
    _refuse_newer(connection, config)
    found = current_revision(connection)
    if found != ScriptDirectory.from_config(config).get_current_head():
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


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = current_revision(connection)
    if found is not None and found not in known:
        raise SchemaTooNew(found)
