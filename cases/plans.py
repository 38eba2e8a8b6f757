"""Plans: what is known better than by the numbers PostgreSQL keeps of its tables."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

DETOURS = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort")


async def follow_indexes(db: AsyncSession, only: bool) -> None:
    """Whether PostgreSQL follows indexes in their order and nothing else, in this transaction.

    It takes terms that always meet for independent ones, expects next to nothing, and would read and sort
    all of them instead of stopping after a page; or it reads whole tables where one index holds everything
    that is asked. Neither compiling nor further processes are worth their start for a page.
    """
    if db.get_bind().dialect.name == "postgresql":
        ways = dict.fromkeys(DETOURS, "off" if only else "on")
        ways |= {"jit": "off", "max_parallel_workers_per_gather": "0"}
        await db.execute(select(*(func.set_config(name, value, True) for name, value in ways.items())))
