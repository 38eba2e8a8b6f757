"""The task that tells people of duties that come near or are late, once an hour."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

from aiohttp import web

from cases.administration.deadline_version import load_rules
from cases.administration.holidays import load_holidays
from cases.supervision.notices import tell_reminders
from web.keys import CLOCK, DATABASE

logger = logging.getLogger(__name__)
FIRST, EVERY = 20.0, 3600.0  # Seconds after the start, and between two looks.
REST = 4  # times as long as a round took


async def tell(app: web.Application) -> AsyncIterator[None]:
    """Given: database and clock. Owned: the task, ended with the process."""
    task = asyncio.create_task(_tell_on(app), name="duty notices")
    yield
    task.cancel()
    await asyncio.wait({task})


async def _round(app: web.Application) -> int:
    """One round, and then a rest four times as long: on a morning of thousands, pages come first."""
    began = time.monotonic()
    async with app[DATABASE].session() as db:
        await load_holidays(db)  # Another process may have taken in an edition, or rules.
        await load_rules(db)
        told = await tell_reminders(db, app[CLOCK])
    await asyncio.sleep(REST * (time.monotonic() - began))
    return told


async def _tell_on(app: web.Application) -> None:
    await asyncio.sleep(FIRST)
    while True:
        try:
            while await _round(app):
                pass  # A round takes so many at once; whatever is left is told in the next one.
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Notices of duties could not be written")
        await asyncio.sleep(EVERY)
