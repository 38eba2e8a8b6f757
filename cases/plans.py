"""Plans: what is known better than by the numbers PostgreSQL keeps of its tables."""

from __future__ import annotations

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

DETOURS = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort")


async def follow_indexes(db: AsyncSession, only: bool) -> None:
    """Whether PostgreSQL follows indexes in their order and nothing else, in this transaction.

    It takes terms that always meet for independent ones, expects next to nothing, and would read and sort
    all of them instead of stopping after a page; or it reads whole tables where one index holds everything
    that is asked.
    """
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(_ONLY_INDEXES if only else _EVERY_WAY)


def _set(detours: str) -> TextClause:
    """Until the end of the transaction; one statement for all, as each would be a way to the database."""
    settings = (f"set_config('{name}', '{detours}', true)" for name in DETOURS)
    return text("SELECT " + ", ".join(settings))


_ONLY_INDEXES, _EVERY_WAY = _set("off"), _set("on")
