"""The task that looks after uploads which stopped in the middle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from scheduling.materials.stuck import UploadWatch, tend_uploads
from web.keys import CLOCK, DATABASE
from web.pages.materials import STORE

logger = logging.getLogger(__name__)
EVERY = 20.0  # Seconds between two looks.


async def tend(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, store of materials. Owned: the task, ended with the process."""
    task = asyncio.create_task(_tend_on(app), name="uploads")
    yield
    task.cancel()
    await asyncio.wait({task})


async def _tend_on(app: web.Application) -> None:
    watch = UploadWatch()
    while True:
        await asyncio.sleep(EVERY)
        try:
            async with app[DATABASE].session() as db:
                await tend_uploads(db, app[CLOCK], app[STORE], watch)
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("Unfinished uploads could not be looked after")
