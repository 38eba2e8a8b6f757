"""Fixtures of the recordings tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cases.database import Database
from recordings.capture import recorder
from tests.clock import FixedClock
from tests.factories import World
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting


@pytest.fixture
async def sitting(database: Database, world: World, clock: FixedClock, tmp_path: Path) -> Sitting:
    """A live session that can be recorded."""
    made = Sitting(database, clock, world, tmp_path / "recordings")
    await made.arrange()
    return made


@pytest.fixture
def brief_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the disk is shown for a moment only; people get three seconds to see it."""
    monkeypatch.setattr(recorder, "FAULT_SHOWN_SECONDS", 0.3)


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    async with Bucket() as made:
        yield made
