"""`python -m tests.cases.figures.figures_bench [COUNT] [MONTHS]`, part of `make bench`: PostgreSQL at size.

COUNT cases (1,000,000) over MONTHS (72) with three lines of history and three clocks each and a reception for
every fifth, and a tenth of all that over the same months before. Of each page of the figures what it asks of
the database, of a month and of a year; then a month counted anew; then every clock counted anew. Time is
processor time, of this process and of its connection's, so that whatever else runs changes little.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import Database
from cases.deadlines.in_force import BUILT_IN as CALENDAR
from cases.figures.months import CountedMonth, count_months
from cases.figures.period import Period, parse_period
from cases.figures.reading import Portion, read_figures
from cases.figures.scope import Filters
from cases.handling.recounting import recount_clocks
from cases.lanzhou import seed_lanzhou
from cases.policy import SYSTEM
from recordings.recording_figures import count_recordings
from scheduling.afterwards.session_figures import read_receptions
from tests.cases.figures.filling import fill_register
from tests.clock import FixedClock
from tests.databases import DatabaseServer
from web.statistics.parts import APART, PARTS, RECEPTIONS

PAGE, DASHBOARD, RECOUNT = 0.5, 0.2, 60.0  # s
ROUNDS = 5
CLOCK, TODAY = FixedClock(), date(2026, 7, 22)
MONTH, YEAR = parse_period("2026-06"), parse_period("2025")
NOBODY = Filters()
# Every clock that ends in these days ends elsewhere.
OTHER = CALENDAR.with_local_rest(MappingProxyType({date(2026, 3, day): "x" for day in range(9, 14)}))
Call = Callable[[], Awaitable[object]]


class Meter:
    """Processor seconds of this process and of one connection of the database."""

    def __init__(self, backend: int) -> None:
        self._stat = Path(f"/proc/{backend}/stat")

    def now(self) -> float:
        fields = self._stat.read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def seconds(self, call: Call, rounds: int) -> float:
        """The mean of `rounds`; the clock of the kernel is too coarse for one."""
        begun = self.now()
        for _ in range(rounds):
            await call()
        return (self.now() - begun) / rounds


def tell(name: str, seconds: float, limit: float = 0.0) -> None:
    verdict = "met" if seconds <= limit else "MISSED"
    judged = f"{seconds / limit:8.2f} of {limit:g} s {verdict}" if limit else ""
    print(f"  {name:44} {1000 * seconds:9.1f} ms{judged}", flush=True)


async def measure(server: DatabaseServer, count: int, months: int) -> dict[str, float]:
    """Fill, and print a line for each part; the pages' seconds by name."""
    database = Database(server.create("postgresql"))
    begun = time.perf_counter()
    async with database.session() as db:
        await seed_lanzhou(db)
        await fill_register(db, count, months)
    print(f"{count} cases over {months} months, written in {time.perf_counter() - begun:.0f} s", flush=True)
    pages: dict[str, float] = {}
    async with database.session() as db:
        # One connection for all, and no helpers of it, so that its processor time is the whole.
        await db.execute(text("SET max_parallel_workers_per_gather = 0"))
        await db.commit()
        meter = Meter((await db.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        first = await meter.seconds(lambda: _page(db, MONTH, tuple(Portion)), 1)
        tell("the first time: 13 months and what runs", first)
        tell("one month counted anew", await meter.seconds(lambda: _anew(db), 3))
        await read_figures(db, CLOCK, SYSTEM, YEAR, NOBODY)
        for name, period, limit in (("a month", MONTH, DASHBOARD), ("a year", YEAR, PAGE)):
            for part, call in _parts(db, period).items():
                seconds = statistics.median([await meter.seconds(call, ROUNDS) for _ in range(3)])
                pages[f"{part}, {name}"] = seconds
                tell(f"{part}, {name}", seconds, limit)
        for name, calendar in (("every clock counted anew", CALENDAR), ("a week of rest more", OTHER)):
            counted = recount_clocks(db, CLOCK, SYSTEM, finished=True, calendar=calendar)
            begun_at = meter.now()
            told = await counted
            tell(f"{name} ({told.changed} of {told.clocks})", meter.now() - begun_at, RECOUNT)
    await database.close()
    return pages


def _parts(db: AsyncSession, period: Period) -> dict[str, Call]:
    found: dict[str, Call] = {
        f"/figures {part.code}": lambda part=part: _page(db, period, part.portions)  # type: ignore[misc]
        for part in PARTS
        if part is not RECEPTIONS
    }
    found["handling by unit"] = lambda: _page(db, period, (APART["unit"][1],))
    found["/figures receptions"] = lambda: _receptions(db, period)
    found["the report, everything"] = lambda: _page(db, period, tuple(Portion))
    return found


async def _page(db: AsyncSession, period: Period, portions: tuple[Portion, ...]) -> None:
    await read_figures(db, CLOCK, SYSTEM, period, NOBODY, portions)


async def _receptions(db: AsyncSession, period: Period) -> None:
    await read_receptions(db, CLOCK, SYSTEM, period, NOBODY)
    await count_recordings(db, SYSTEM, period, NOBODY)


async def _anew(db: AsyncSession) -> None:
    await db.execute(delete(CountedMonth).where(CountedMonth.month == MONTH.code))
    await db.commit()
    await count_months(db, CLOCK, [MONTH.code])


async def main(count: int, months: int) -> None:
    """Both sizes, and how the one compares with the other."""
    server = DatabaseServer(Path(tempfile.mkdtemp(prefix="lianxin-figures-")))
    try:
        few = await measure(server, count // 10, months)
        many = await measure(server, count, months)
    finally:
        server.close()
    print("ten times the cases, a page takes so many times as long:")
    for name, seconds in many.items():
        print(f"  {name:44} {seconds / max(few[name], 1e-4):9.2f}")


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:3]]
    asyncio.run(main(*(arguments + [1_000_000, 72][len(arguments) :])))
