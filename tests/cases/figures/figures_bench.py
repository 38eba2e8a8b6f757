"""`python -m tests.cases.figures.figures_bench [COUNT] [MONTHS]`: the figures of a month, on PostgreSQL.

Each part of the page apart and the whole of it, the best of ROUNDS. A tenth of the cases over a tenth of the
months makes months as full as the whole does.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

import scheduling.afterwards.session_figures as receptions
from cases.database import Database
from cases.figures.months import CountedMonth, count_months
from cases.figures.period import parse_period
from cases.figures.reading import read_figures
from cases.figures.scope import Filters, find_ground
from cases.figures.sums import Dimension, sum_by, sum_up
from cases.figures.topics import list_topics
from cases.lanzhou import seed_lanzhou
from cases.policy import SYSTEM
from tests.cases.figures.filling import fill_register
from tests.clock import FixedClock
from tests.databases import DatabaseServer

GOAL, ROUNDS = 0.5, 5  # s
CLOCK = FixedClock()
TODAY, MONTH = date(2026, 7, 22), parse_period("2026-06")


async def measure(count: int, months: int) -> None:
    """Fill, and print a line for each part."""
    server = DatabaseServer(Path(tempfile.mkdtemp()))
    database = Database(server.create("postgresql"))
    async with database.session() as db:
        await seed_lanzhou(db)
        begun = time.perf_counter()
        await fill_register(db, count, months)
        print(f"{count} cases over {months} months written in {time.perf_counter() - begun:.1f} s")
        for name, call in (await _parts(db)).items():
            best = 9e9
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                await call()
                best = min(best, time.perf_counter() - begun)
            verdict = "" if name != "the page" else ("  met" if best <= GOAL else "  MISSED")
            print(f"{name:32} {1000 * best:8.1f} ms{verdict}")
    await database.close()
    server.close()


async def _parts(db: AsyncSession) -> dict[str, Callable[[], Awaitable[object]]]:
    ground = await find_ground(db, SYSTEM, Filters())
    return {
        "in all": lambda: sum_up(db, ground, MONTH, TODAY),
        "by office": lambda: sum_by(db, ground, MONTH, TODAY, Dimension.OFFICE),
        "by unit": lambda: sum_by(db, ground, MONTH, TODAY, Dimension.UNIT),
        "by channel": lambda: sum_by(db, ground, MONTH, TODAY, Dimension.CHANNEL),
        "topics": lambda: list_topics(db, ground, MONTH, TODAY),
        "receptions": lambda: receptions.read_receptions(db, TODAY, SYSTEM, MONTH, Filters()),
        "a month counted anew": lambda: _anew(db),
        "the page": lambda: read_figures(db, CLOCK, SYSTEM, MONTH, Filters()),
    }


async def _anew(db: AsyncSession) -> None:
    await db.execute(delete(CountedMonth).where(CountedMonth.month == MONTH.code))
    await db.commit()
    await count_months(db, CLOCK, [MONTH.code])


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:3]]
    asyncio.run(measure(*(arguments + [100_000, 24][len(arguments) :])))
