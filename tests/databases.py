"""Databases for tests: SQLite files, and a private PostgreSQL started from the system's binaries.

Every test gets a database of its own: a copy of one that was migrated once, or on PostgreSQL, where a copy
costs up to half a second of processor time, one that an earlier test gave back and that was emptied since
(see Cluster.empty for what makes it as good as new). What was migrated once is shared by all processes of a
run: the first one that needs it makes it, the others copy files. LIANXIN_TEST_DATABASES
(`sqlite`, `postgresql` or both with a comma) restricts which systems are used; asking for PostgreSQL by
name makes its absence an error instead of a skip.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psycopg

from cases.database import Database

SYSTEMS = ("sqlite", "postgresql")
VARIABLE = "LIANXIN_TEST_DATABASES"
TEMPLATE = "lianxin_template"
SETTINGS = (
    "listen_addresses=",  # The socket in the private directory is the only way in.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=32MB",
    "autovacuum=off",
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


def requested_systems() -> tuple[str, ...]:
    """Return the systems to test on, by LIANXIN_TEST_DATABASES or both."""
    wanted = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    unknown = set(wanted) - set(SYSTEMS)
    if unknown:
        raise ValueError(f"{VARIABLE} names {sorted(unknown)}; known are {SYSTEMS}.")
    return tuple(name for name in SYSTEMS if not wanted or name in wanted)


def find_binaries() -> Path | None:
    """Return the directory of the newest PostgreSQL on this machine, or None."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = [path for path in found if (path / "postgres").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb and shutil.which("postgres") else None


def missing_reason() -> str | None:
    """Return why PostgreSQL cannot be tested here, or None if it can."""
    if find_binaries() is None:
        return "NO POSTGRESQL: /usr/lib/postgresql/*/bin/initdb is missing; install the package postgresql."
    if os.geteuid() == 0 and _unprivileged() is None:
        return "NO POSTGRESQL: it refuses to run as root, and there is neither a user postgres nor nobody."
    return None


Rows = tuple[tuple[str, bytes], ...]  # Table and what stands in it, in PostgreSQL's binary form.


class Cluster:
    """A PostgreSQL server in a temporary directory, reached by a Unix socket; it dies with this process."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._user = _unprivileged() if os.geteuid() == 0 else None
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
        options = [part for setting in SETTINGS for part in ("-c", setting)]
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


class DatabaseServer:
    """Hands out migrated databases of either system; starts PostgreSQL on first use, once per process.

    `shared` is the folder in which the processes of a run keep what they need only once.
    """

    def __init__(self, directory: Path, shared: Path | None = None) -> None:
        self._directory = directory
        self._shared = shared or directory
        self._sqlite_template: Path | None = None
        self._cluster: Cluster | None = None
        self._fingerprint: tuple[Any, ...] | None = None  # Of the template, once there is one.
        self._copies: set[str] = set()
        self._emptied: list[str] = []

    def create(self, system: str) -> str:
        """Return the URL of a fresh database with the newest schema."""
        return self._create_sqlite() if system == "sqlite" else self._create_postgresql()

    def create_empty(self, system: str) -> str:
        """Return the URL of a database without any table."""
        name = f"t{uuid.uuid4().hex}"
        if system == "sqlite":
            return f"sqlite+aiosqlite:///{self._directory / name}.db"
        cluster = self._running()
        cluster.execute(f"CREATE DATABASE {name}")
        return cluster.url(name)

    def drop(self, url: str) -> None:
        """Take back a database that this server handed out."""
        if url.startswith("sqlite"):
            path = url.partition(":///")[2]
            for suffix in ("", "-wal", "-shm"):
                Path(path + suffix).unlink(missing_ok=True)
        elif self._cluster is not None:
            name = _name_of(url)
            if name in self._copies and self._cluster.empty(name, self._fingerprint or ()):
                self._emptied.append(name)
                return
            self._copies.discard(name)
            self._cluster.drop(name)

    def keep(self, url: str) -> Path | Rows:
        """What stands in a database now, for others of its kind; whoever arranges much does it only once."""
        if self._cluster is not None and not url.startswith("sqlite"):
            return self._cluster.rows(_name_of(url))
        path = self._directory / f"k{uuid.uuid4().hex}.db"
        with (
            contextlib.closing(sqlite3.connect(url.partition(":///")[2])) as source,
            contextlib.closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)
        return path

    def lay(self, url: str, kept: Path | Rows) -> None:
        """Put what was kept into a fresh database to which nobody has connected yet."""
        if isinstance(kept, Path):
            path = url.partition(":///")[2]
            assert not Path(path + "-wal").exists(), "somebody is connected to it"
            shutil.copyfile(kept, path)
        else:
            assert self._cluster is not None
            self._cluster.fill(_name_of(url), kept)

    def close(self) -> None:
        """Stop PostgreSQL if it was started."""
        if self._cluster is not None:
            self._cluster.stop()

    def _create_sqlite(self) -> str:
        if self._sqlite_template is None:
            self._sqlite_template = sqlite_template(self._shared)
        path = self._directory / f"t{uuid.uuid4().hex}.db"
        shutil.copyfile(self._sqlite_template, path)
        return f"sqlite+aiosqlite:///{path}"

    def _create_postgresql(self) -> str:
        cluster, name = self._running(), f"t{uuid.uuid4().hex}"
        if self._emptied:
            return cluster.url(self._emptied.pop())
        if self._fingerprint is None:
            self._fingerprint = cluster.fingerprint(TEMPLATE)
        cluster.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self._copies.add(name)
        return cluster.url(name)

    def _running(self) -> Cluster:
        if self._cluster is None:
            binaries = find_binaries()
            assert binaries is not None, missing_reason()
            self._cluster = Cluster(binaries)
            with _made_once(self._shared / "cluster") as (template, is_made):
                if is_made:
                    self._cluster.copy(template)
                    self._cluster.start()
                else:
                    self._cluster.create()
                    self._cluster.start()
                    self._make_template(self._cluster)
                    if self._shared != self._directory:
                        self._cluster.keep(template)
        return self._cluster

    def _make_template(self, cluster: Cluster) -> None:
        cluster.execute(f"CREATE DATABASE {TEMPLATE}")
        _run_apart(lambda: _migrate(cluster.url(TEMPLATE)))


def _name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def sqlite_template(shared: Path) -> Path:
    """An SQLite file with the newest schema and nothing else, in that folder."""
    with _made_once(shared / "template.db") as (template, is_made):
        if not is_made:
            template.unlink(missing_ok=True)
            _run_apart(lambda: _migrate(f"sqlite+aiosqlite:///{template}"))
    return template


@contextlib.contextmanager
def _made_once(path: Path) -> Iterator[tuple[Path, bool]]:
    """The path, and whether another process has made it; nobody else makes it meanwhile."""
    with path.with_suffix(".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        is_made = lock.read() == "made"
        yield path, is_made
        if not is_made:
            lock.write("made")


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate()
    finally:
        await database.close()


def _run_apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end on a loop of its own, whatever loop this thread may be in."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)
