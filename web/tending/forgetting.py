"""The task that forgets what served links, seats and forms that were not handed in needed, once an hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from scheduling.arrival.forgetting import forget_served_links
from scheduling.intake.enclosing import forget_abandoned, store_at
from scheduling.intake.phone_codes import forget_phone_codes
from signaling.forgetting import forget_devices
from web.keys import CLOCK, DATABASE, SETTINGS

logger = logging.getLogger(__name__)
FIRST, EVERY = 60.0, 3600.0  # Seconds after the start, and between two looks.


async def forget(app: web.Application) -> AsyncIterator[None]:
    """Given: database and clock. Owned: the task, ended with the process."""
    task = asyncio.create_task(_forget_on(app), name="forgetting")
    yield
    task.cancel()
    await asyncio.wait({task})


async def _forget_on(app: web.Application) -> None:
    await asyncio.sleep(FIRST)
    while True:
        try:
            async with app[DATABASE].session() as db:
                await forget_served_links(db, app[CLOCK])
                await forget_devices(db, app[CLOCK])
                await forget_phone_codes(db, app[CLOCK])
                await forget_abandoned(db, app[CLOCK], store_at(app[SETTINGS].state))
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Served links could not be forgotten")
        await asyncio.sleep(EVERY)
