"""One live room for each test: an attack must not profit from the one before."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.hostile.siege import Siege, lay_siege


@pytest_asyncio.fixture
async def siege(tmp_path: Path) -> AsyncIterator[Siege]:
    """A worker process with a recorded room of two peers who hear each other."""
    async with lay_siege(tmp_path) as laid:
        yield laid
