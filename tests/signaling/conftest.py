"""The hall: a session, a server and a fake worker; nothing is left running afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cases.database import Database
from tests.signaling.hall import Hall


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/lianxin.db")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
async def hall(database: Database) -> AsyncIterator[Hall]:
    before = asyncio.all_tasks()
    # A unix socket's path has at most 107 characters; pytest's own folders may be longer.
    with tempfile.TemporaryDirectory(prefix="lx") as folder:
        hall = Hall(database, Path(folder))
        await hall.open()
        yield hall
        await hall.close()
    await asyncio.sleep(0)
    stray = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert stray == []
