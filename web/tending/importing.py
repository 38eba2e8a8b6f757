"""The task that carries imports on: checks sheets, enters rows, tells petitioners, a few at a time.

What is done is in the database, so a service that was stopped or killed goes on where it was. The sheet lies
sealed beside the materials until it is checked, and not longer.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from cases.errors import RuleError
from cases.fields import mark_id_number
from cases.handling.clocks import today
from cases.intake.import_check import (
    CheckedRow,
    checked_rows,
    fail_check,
    finish_check,
    in_chinese,
    keep_rows,
    next_to_check,
)
from cases.intake.imports import enter_some
from cases.intake.spreadsheet import Line, open_sheet
from scheduling.intake.query_codes import tell_some
from scheduling.materials.store import MaterialStore
from web.identity_marks import identity_key
from web.keys import CLOCK, DATABASE, SETTINGS
from web.tending.messages import MESSENGER

logger = logging.getLogger(__name__)
EVERY = 2.0  # Seconds between two looks when nothing waits.
PAUSE = 0.05  # Between two handfuls, so that pages get their turn.
HANDFUL = 200  # Rows that are checked at a time.
FOLDER, SHEET = "imports", "sheet"
BELL = web.AppKey("import_bell", asyncio.Event)  # Set by whoever gave the task something to do.


async def enter_rows(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, messenger. Owned: the task; what is left is done next time."""
    app[BELL] = asyncio.Event()
    task = asyncio.create_task(_go_on(app))
    yield
    task.cancel()
    await asyncio.wait({task})


def sheets_of(app: web.Application) -> MaterialStore:
    """Where sheets lie until they are checked."""
    return MaterialStore.at(app[SETTINGS].state)


async def check_next(app: web.Application) -> bool:
    """Check the sheet that was handed in first, to its end; False when none waits."""
    async with app[DATABASE].session() as db:
        found = await next_to_check(db)
    if found is None:
        return False
    import_id, checked_to = found
    try:
        await _check(app, import_id, checked_to)
    except RuleError as error:
        async with app[DATABASE].session() as db:
            await fail_check(db, import_id, error)
    await asyncio.to_thread(sheets_of(app).drop, FOLDER, import_id)
    return True


async def _check(app: web.Application, import_id: str, checked_to: int) -> None:
    content = await asyncio.to_thread(sheets_of(app).read, FOLDER, import_id, SHEET)
    sheet = in_chinese(await asyncio.to_thread(open_sheet, content))
    lines = itertools.dropwhile(lambda line: line.number <= checked_to, sheet.lines)
    day, key = today(app[CLOCK]), identity_key(app)

    def handful() -> list[CheckedRow]:
        taken: list[Line] = list(itertools.islice(lines, HANDFUL))
        return checked_rows(taken, day, lambda number: mark_id_number(key, number))

    while rows := await asyncio.to_thread(handful):
        async with app[DATABASE].session() as db:
            await keep_rows(db, import_id, rows)
        await asyncio.sleep(PAUSE)
    async with app[DATABASE].session() as db:
        await finish_check(db, import_id)


async def _go_on(app: web.Application) -> None:
    while True:
        moved = 0
        try:
            moved += await check_next(app)
            async with app[DATABASE].session() as db:
                moved += await enter_some(db, app[CLOCK])
            async with app[DATABASE].session() as db:
                told = await tell_some(db, app[CLOCK], app[MESSENGER].secrets.envelope)
            if told:
                app[MESSENGER].ring()
            moved += told
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("An import could not be carried on")
        await asyncio.sleep(PAUSE)
        if not moved:
            await _rung(app[BELL])


async def _rung(bell: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(EVERY):
            await bell.wait()
    bell.clear()
