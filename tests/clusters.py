"""A private PostgreSQL for tests, started from the system's binaries and emptied between them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg


def _memory() -> int:
    """Of this machine, in MB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000


SETTINGS = (
    "listen_addresses=",  # The socket in the private directory is the only way in.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=32MB",
    "autovacuum=off",
)

# For a register of millions of rows: as an office would set its server up that has this machine for it.
LARGE_SETTINGS = (
    f"shared_buffers={_memory() // 4}MB",
    f"effective_cache_size={_memory() // 2}MB",
    "max_wal_size=8GB",
    "random_page_cost=1.1",
    "autovacuum=on",
)

# Every change of a schema writes a row of the catalogue, and a row holds the transaction that wrote it.
# So does ANALYZE; its numbers must not make the plans of the next test.
FINGERPRINT = "SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version), " + ", ".join(
    f"(SELECT count(*) || ':' || max(xmin::text::bigint) FROM {catalogue})"
    for catalogue in (
        "pg_class",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_trigger",
        "pg_proc",
        "pg_statistic",
    )
)
DISCONNECT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
TABLES = (
    "SELECT relname FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
)
SIZE = "SELECT pg_database_size(current_database())"
LARGE = 6_000_000  # Bytes more than a copy has that nobody has used.


def find_binaries() -> Path | None:
    """Return the directory of the newest PostgreSQL on this machine, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = [path for path in found if (path / "postgres").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb and shutil.which("postgres") else None


Rows = tuple[tuple[str, bytes], ...]  # Table and what stands in it, in PostgreSQL's binary form.


class Cluster:
    """A PostgreSQL server in a temporary directory, reached by a Unix socket; it dies with this process."""

    def __init__(self, binaries: Path, settings: Sequence[str] = ()) -> None:
        """`settings` come after SETTINGS, so that they win."""
        self._binaries = binaries
        self._settings = (*SETTINGS, *settings)
        self._user = unprivileged() if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="lianxin-pg-"))  # Short: a socket path has 107 bytes.
        if self._user is not None:
            os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._cleaners: dict[str, psycopg.Connection[Any]] = {}
        self._unused = 0

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def create(self) -> None:
        """Create an empty cluster. Raises RuntimeError with its log."""
        arguments = [
            "-D",
            str(self._data),
            "-U",
            "lianxin",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        made = subprocess.run([self._binaries / "initdb", *arguments], **self._identity())
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{self._log()}")

    def copy(self, template: Path) -> None:
        """Begin with what `keep` has kept there."""
        subprocess.run(["cp", "-a", template, self._data], check=True)

    def keep(self, template: Path) -> None:
        """Keep its files as the server leaves them in good order; then start it again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        shutil.rmtree(template, ignore_errors=True)
        subprocess.run(["cp", "-a", self._data, template], check=True)
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers. Raises RuntimeError with its log."""
        options = [part for setting in self._settings for part in ("-c", setting)]
        command = [self._binaries / "postgres", "-D", self._data, "-k", self.directory, *options]
        self._process = subprocess.Popen(command, preexec_fn=_die_with_parent, **self._identity())
        self._wait()

    def stop(self) -> None:
        """Stop the server at once and remove its directory."""
        for cleaner in self._cleaners.values():
            cleaner.close()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, name: str) -> str:
        """Return the address of one database of this cluster."""
        return f"postgresql+psycopg://lianxin@/{name}?host={self.directory}"

    def execute(self, statement: str) -> None:
        """Run one administrative statement outside any transaction."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def fingerprint(self, name: str) -> tuple[Any, ...]:
        """Return what stays as it is until somebody changes the schema of this database or its version."""
        with psycopg.connect(self._conninfo(name), autocommit=True) as connection:
            (self._unused,) = connection.execute(SIZE).fetchone() or (0,)
            return tuple(connection.execute(FINGERPRINT).fetchone() or ())

    def empty(self, name: str, fingerprint: tuple[Any, ...]) -> bool:
        """Make a used database as good as new: nobody connected, schema as it was, every table empty.

        Return False, with the database to be dropped, if somebody stays connected, if the schema is not that
        of `fingerprint` any more, or if the files have grown so much that this test was about large tables.
        """
        try:
            clean = self._cleaner(name)
            deadline = time.monotonic() + 5
            while clean.execute(DISCONNECT).fetchall():
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.005)
            if clean.execute(FINGERPRINT).fetchone() != fingerprint:
                return False
            (size,) = clean.execute(SIZE).fetchone() or (0,)
            if size > self._unused + LARGE:
                return False
            names = [table for (table,) in clean.execute(TABLES).fetchall()]
            # Several statements in one go cannot be prepared.
            clean.execute("; ".join(f'DELETE FROM "{table}"' for table in names).encode(), prepare=False)
        except psycopg.OperationalError:  # Who cleans was cut off by the test.
            return False
        return True

    def rows(self, name: str) -> Rows:
        """Everything that stands in the tables of a database."""
        clean, found = self._cleaner(name), list[tuple[str, bytes]]()
        for (table,) in clean.execute(TABLES).fetchall():
            if clean.execute(f'SELECT 1 FROM "{table}" LIMIT 1'.encode()).fetchone():
                with clean.cursor().copy(f'COPY "{table}" TO STDOUT (FORMAT BINARY)'.encode()) as copy:
                    found.append((table, b"".join(copy)))
        return tuple(found)

    def fill(self, name: str, rows: Rows) -> None:
        """Put into empty tables what `rows` found."""
        cursor = self._cleaner(name).cursor()
        for table, content in rows:
            with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT BINARY)'.encode()) as copy:
                copy.write(content)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        if name in self._cleaners:
            self._cleaners.pop(name).close()
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _cleaner(self, name: str) -> psycopg.Connection[Any]:
        """A connection that stays: a new one reads the catalogue again, which takes longer than all the rest.

        As a replica it fires no triggers: neither those of foreign keys nor those that guard history.
        """
        if name not in self._cleaners:
            self._cleaners[name] = psycopg.connect(self._conninfo(name), autocommit=True)
            self._cleaners[name].execute("SET session_replication_role = replica")
        return self._cleaners[name]

    def _conninfo(self, name: str = "postgres") -> str:
        return f"host={self.directory} user=lianxin dbname={name} connect_timeout=5"

    def _identity(self) -> dict[str, Any]:
        log = (self.directory / "log").open("ab")
        identity: dict[str, Any] = {
            "cwd": self.directory,
            "stdout": log,
            "stderr": log,
            "stdin": subprocess.DEVNULL,
        }
        if self._user is not None:
            identity |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return identity

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log()}")

    def _log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-4000:]


def unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)
