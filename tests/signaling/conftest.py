"""The hall: a session, a server and a fake worker; nothing is left running afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cases.database import Database
from tests.signaling.hall import Hall


@pytest.fixture
def hall_folder() -> Iterator[Path]:
    """A short one: a unix socket's path has at most 107 characters, and pytest's own may be longer."""
    with tempfile.TemporaryDirectory(prefix="lx") as folder:
        yield Path(folder)


@pytest.fixture
async def hall(database: Database, hall_folder: Path) -> AsyncIterator[Hall]:
    async for hall in opened(database, hall_folder, workers=1):
        yield hall


@pytest.fixture
async def hall_of_two(database: Database, hall_folder: Path) -> AsyncIterator[Hall]:
    """With two media workers."""
    async for hall in opened(database, hall_folder, workers=2):
        yield hall


async def opened(database: Database, folder: Path, workers: int) -> AsyncIterator[Hall]:
    before = asyncio.all_tasks()
    hall = Hall(database, folder, workers)
    await hall.open()
    yield hall
    await hall.close()
    for _ in range(10):
        if not left_over(before):
            break
        await asyncio.sleep(0.005)
    assert left_over(before) == []


def left_over(before: set[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    known = before | {asyncio.current_task()}
    return [task for task in asyncio.all_tasks() if task not in known and not task.done()]
