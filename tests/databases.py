"""Databases for tests: SQLite files, and a private PostgreSQL started from the system's binaries.

Every test gets a database of its own: a copy of one that was migrated once, or on PostgreSQL, where a copy
costs up to half a second of processor time, one that an earlier test gave back and that was emptied since
(see Cluster.empty in clusters.py for what makes it as good as new). What was migrated once is shared by all
processes of a run: the first one that needs it makes it, the others copy files. LIANXIN_TEST_DATABASES
(`sqlite`, `postgresql` or both with a comma) restricts which systems are used; asking for PostgreSQL by
name makes its absence an error instead of a skip.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock, SystemClock
from cases.database import Database
from tests.clusters import Cluster, Rows, find_binaries, unprivileged

SYSTEMS = ("sqlite", "postgresql")
VARIABLE = "LIANXIN_TEST_DATABASES"
TEMPLATE = "lianxin_template"
# In which the processes of a run keep what they need only once; None where no run of tests is going on.
SHARED: Path | None = None
Seed = Callable[[AsyncSession, Clock], Awaitable[None]]


def requested_systems() -> tuple[str, ...]:
    """Return the systems to test on, by LIANXIN_TEST_DATABASES or both."""
    wanted = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    unknown = set(wanted) - set(SYSTEMS)
    if unknown:
        raise ValueError(f"{VARIABLE} names {sorted(unknown)}; known are {SYSTEMS}.")
    return tuple(name for name in SYSTEMS if not wanted or name in wanted)


def missing_reason() -> str | None:
    """Return why PostgreSQL cannot be tested here, or None if it can."""
    if find_binaries() is None:
        return "NO POSTGRESQL: /usr/lib/postgresql/*/bin/initdb is missing; install the package postgresql."
    if os.geteuid() == 0 and unprivileged() is None:
        return "NO POSTGRESQL: it refuses to run as root, and there is neither a user postgres nor nobody."
    return None


class DatabaseServer:
    """Hands out migrated databases of either system; starts PostgreSQL on first use, once per process.

    `shared` is the folder in which the processes of a run keep what they need only once; `settings` are of
    PostgreSQL, as `name=value`.
    """

    def __init__(self, directory: Path, shared: Path | None = None, settings: Sequence[str] = ()) -> None:
        self._directory = directory
        self._shared = shared or directory
        self._settings = settings
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
            self._cluster = Cluster(binaries, self._settings)
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


def lay_demonstration(path: Path, shared: Path, day: str, seed: Seed) -> None:
    """Put there an SQLite file with the newest schema and the demo day of this date, which `seed` makes once.

    A service finds both as they were left by an earlier start, and has nothing to make but its own links.
    """
    with _made_once(shared / f"demonstration-{day}.db") as (template, is_made):
        if not is_made:
            shutil.copyfile(sqlite_template(shared), template)
            _run_apart(lambda: _seed(f"sqlite+aiosqlite:///{template}", seed))
    shutil.copyfile(template, path)


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


async def _seed(url: str, seed: Seed) -> None:
    database = Database(url)
    try:
        async with database.session() as db:
            await seed(db, SystemClock())
    finally:
        await database.close()


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
