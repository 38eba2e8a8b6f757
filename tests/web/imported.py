"""A sheet that was handed in on its page and checked by the service."""

from __future__ import annotations

import asyncio

from cases.intake.import_check import hand_in_import
from cases.intake.import_job import UNDER_WAY
from cases.intake.imports import get_import
from cases.intake.spreadsheet import open_sheet
from tests.web.conftest import House
from web.tending.importing import BELL, FOLDER, SHEET, sheets_of


async def checked(house: House, content: bytes, key: str) -> str:
    """The import's id, once every row was looked at."""
    app, actor = house.server.app, house.world.actor(key)
    assert app is not None

    async def keep(import_id: str, content: bytes) -> None:
        sheets_of(app).write(FOLDER, import_id, {SHEET: content})

    async with house.database.session() as db:
        titles = open_sheet(content).titles
        office = house.world.chengguan.id
        import_id = await hand_in_import(db, house.clock, actor, office, "x.csv", content, titles, keep)
    app[BELL].set()
    await settled(house, import_id, key)
    return import_id


async def settled(house: House, import_id: str, key: str) -> None:
    """Until the service has nothing more to do for it."""
    async with asyncio.timeout(30):
        while True:
            async with house.database.session() as db:
                if (await get_import(db, house.world.actor(key), import_id)).state not in UNDER_WAY:
                    return
            await asyncio.sleep(0.05)
