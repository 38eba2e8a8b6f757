"""`python -m tests.recordings.archive_bench [COUNT]`, part of `make bench`: searches and pages at size.

Every kind of search that the page offers, and every page of 链与时间戳 and 调阅审计, of COUNT recordings
(100,000) on each database: seconds that pass, and seconds of processor time of this program and of the
database's process together, each the best of ROUNDS. On a machine with other work only the latter tell.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.cursor import Cursor
from cases.database import Database
from cases.policy import Actor
from recordings.archive.search import ArchiveQuery, search_archive
from tests.clock import FixedClock
from tests.databases import DatabaseServer, requested_systems
from tests.recordings.archives import PROVINCE, SEARCHES, last_page
from tests.recordings.standings import Call, measure_days, pages, write_readings

GOAL = 0.1  # s
ROUNDS = 5


@dataclass(frozen=True)
class Effort:
    """Seconds of the best round: that passed, and of processor time."""

    wall: float
    cpu: float

    @property
    def verdict(self) -> str:
        if self.wall <= GOAL:
            return "met"
        return "met by processor time alone" if self.cpu <= GOAL else "MISSED"


def searches(count: int) -> dict[str, Call]:
    """Name and search, as the page asks them."""

    def asked(actor: Actor, query: ArchiveQuery, before: Cursor | None = None) -> Call:
        return lambda db: search_archive(db, FixedClock(), actor, query, before)

    found = {f"search: {name}": asked(actor, query) for name, actor, query, _ in SEARCHES}
    for name, query in (("everything", ArchiveQuery()), ("a common word", ArchiveQuery(words="供暖不足"))):
        found[f"search: {name}, last page"] = asked(PROVINCE, query, last_page(count))
    return found


async def effort_of(database: Database, call: Call, rounds: int = ROUNDS) -> Effort:
    """What a call costs at its best."""
    wall = cpu = float("inf")
    for _ in range(rounds):
        async with database.session() as db:
            server = await _server(db)
            before, began = _busy(server), time.perf_counter()
            await call(db)
            wall = min(wall, time.perf_counter() - began)
            cpu = min(cpu, _busy(server) - before)
    return Effort(wall, cpu)


async def _server(db: AsyncSession) -> int | None:
    """The process of PostgreSQL that answers this session; SQLite is part of our own."""
    if db.get_bind().dialect.name != "postgresql":
        return None
    return await db.scalar(text("SELECT pg_backend_pid()"))


def _busy(server: int | None) -> float:
    """Seconds of processor time so far, ours and the server's (proc(5): /proc/pid/schedstat)."""
    theirs = 0 if server is None else int(Path(f"/proc/{server}/schedstat").read_text().split()[0])
    return time.process_time() + theirs / 1e9


async def measure(database: Database, calls: Mapping[str, Call]) -> dict[str, Effort]:
    return {name: await effort_of(database, call) for name, call in calls.items()}


async def main(count: int) -> None:
    """Print a table for each database, and whether the goal is met."""
    directory = Path(tempfile.mkdtemp(prefix="lianxin-archive-"))
    first, again = measure_days(directory / "recordings")
    print(f"a ledger of ten years: {first * 1000:.1f} ms, again {again * 1000:.2f} ms")
    server = DatabaseServer(directory)
    for system in requested_systems():
        url = server.create(system)
        database = Database(url)
        await write_readings(database, count)
        print(f"{system}, {count} recordings, at most {GOAL * 1000:.0f} ms      passed  processor")
        for name, effort in (await measure(database, searches(count) | pages(count))).items():
            print(f"  {name:42} {effort.wall * 1000:7.1f} {effort.cpu * 1000:7.1f} ms  {effort.verdict}")
        await database.close()
        server.drop(url)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
