"""Writing that nobody waits for, done in order by one task, and again when the database was away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import Database
from cases.errors import RuleError

logger = logging.getLogger(__name__)
CEILING = 1000
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 5.0

Work = Callable[[AsyncSession], Awaitable[object]]


class Backlog:
    """Given: the database. Owned: a queue, and a writer task that lives while there is work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: asyncio.Queue[tuple[str, Work]] = asyncio.Queue(CEILING)
        self._writer: asyncio.Task[None] | None = None
        self.written = 0

    def add(self, name: str, work: Work) -> None:
        """Do it soon; `work` commits. When the queue is full the name goes to the log."""
        try:
            self._waiting.put_nowait((name, work))
        except asyncio.QueueFull:
            logger.error("Not written, the database does not answer: %s", name)
            return
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="room backlog")

    async def settle(self) -> None:
        """Wait until everything is written, for a moment at most."""
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=CLOSE_SECONDS)

    async def close(self) -> None:
        """Write what is left, then stop."""
        await self.settle()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    async def _write(self) -> None:
        while not self._waiting.empty():
            name, work = self._waiting.get_nowait()
            await self._insist(name, work)

    async def _insist(self, name: str, work: Work) -> None:
        while True:
            try:
                async with self._database.session() as db:
                    await work(db)
                self.written += 1
                return
            except (DBAPIError, OSError):
                logger.warning("The database does not answer; trying again: %s", name)
            except (SQLAlchemyError, RuleError):
                logger.exception("Refused: %s", name)
                return
            await asyncio.sleep(RETRY_SECONDS)
