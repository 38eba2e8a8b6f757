"""The task that enters the rows of imports that were started, a few at a time beside everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from cases.intake.imports import enter_some
from web.keys import CLOCK, DATABASE

logger = logging.getLogger(__name__)
EVERY = 2.0  # Seconds between two looks when nothing waits.
PAUSE = 0.05  # Between two handfuls, so that pages get their turn.


async def enter_rows(app: web.Application) -> AsyncIterator[None]:
    """Given: database and clock. Owned: the task, ended with the process; the rest is entered next time."""
    task = asyncio.create_task(_go_on(app))
    yield
    task.cancel()
    await asyncio.wait({task})


async def _go_on(app: web.Application) -> None:
    while True:
        entered = 0
        try:
            async with app[DATABASE].session() as db:
                entered = await enter_some(db, app[CLOCK])
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Rows of an import could not be entered")
        await asyncio.sleep(PAUSE if entered else EVERY)
