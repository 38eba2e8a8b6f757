"""The hall: a session, a server and a fake worker; nothing is left running afterwards."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cases.database import Database
from tests.clusters import Rows
from tests.databases import DatabaseServer
from tests.signaling.hall import Hall

MakeHall = Callable[[int], Awaitable[Hall]]


@pytest.fixture
def hall_folder() -> Iterator[Path]:
    """A short one: a unix socket's path has at most 107 characters, and pytest's own may be longer."""
    with tempfile.TemporaryDirectory(prefix="lx") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def arranged() -> dict[str, tuple[Path | Rows, Hall]]:
    """By kind of database: what the first hall has arranged there, and that hall."""
    return {}


@pytest.fixture
def make_hall(
    database: Database,
    database_system: str,
    database_server: DatabaseServer,
    hall_folder: Path,
    arranged: dict[str, tuple[Path | Rows, Hall]],
) -> MakeHall:
    """Takes the number of media workers. All halls begin alike, so what the first arranges is used again."""

    async def made(workers: int) -> Hall:
        hall = Hall(database, hall_folder, workers)
        url = database.url.render_as_string(hide_password=False)
        if database_system in arranged:
            kept, first = arranged[database_system]
            await asyncio.to_thread(database_server.lay, url, kept)
            hall.arranged_as(first)
        else:
            await hall.arrange()
            arranged[database_system] = await asyncio.to_thread(database_server.keep, url), hall
        return hall

    return made


@pytest.fixture
async def hall(make_hall: MakeHall) -> AsyncIterator[Hall]:
    async for hall in opened(await make_hall(1)):
        yield hall


@pytest.fixture
async def hall_of_two(make_hall: MakeHall) -> AsyncIterator[Hall]:
    """With two media workers."""
    async for hall in opened(await make_hall(2)):
        yield hall


async def opened(hall: Hall) -> AsyncIterator[Hall]:
    before = asyncio.all_tasks()
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
