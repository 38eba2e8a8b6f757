"""The task that counts months anew in which something has changed, so that no page of figures has to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web

from cases.figures.months import count_changed
from web.keys import CLOCK, DATABASE

logger = logging.getLogger(__name__)
FIRST, EVERY = 15.0, 10.0  # Seconds after the start, and between two looks.
PATIENCE = timedelta(seconds=60)  # Between two countings of one month.
REST = 4  # times as long as a counting took


async def count(app: web.Application) -> AsyncIterator[None]:
    """Given: database and clock. Owned: the task, ended with the process."""
    task = asyncio.create_task(_count_on(app), name="months of figures")
    yield
    task.cancel()
    await asyncio.wait({task})


async def _round(app: web.Application) -> bool:
    """One month, and then a rest four times as long: pages come first."""
    began = time.monotonic()
    async with app[DATABASE].session() as db:
        counted = await count_changed(db, app[CLOCK], PATIENCE)
    await asyncio.sleep(REST * (time.monotonic() - began))
    return counted


async def _count_on(app: web.Application) -> None:
    await asyncio.sleep(FIRST)
    while True:
        try:
            while await _round(app):
                pass
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Months of the figures could not be counted")
        await asyncio.sleep(EVERY)
