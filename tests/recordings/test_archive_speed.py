"""Archive search at size: every search finds what it should, at once (tests.recordings.archives has more)."""

from __future__ import annotations

import pytest

from cases.database import Database
from tests.recordings.archives import measure, write_archive

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(120)]
COUNT = 4_000
# Generous: other tests run beside this one. Alone, each of them takes a few milliseconds.
LIMIT = 1.0


async def test_every_search_finds_what_it_should_and_at_once(database: Database) -> None:
    await write_archive(database, COUNT)
    measured = await measure(database)
    assert [name for name, _, found, expected in measured if bool(found) != expected] == []
    assert [(name, seconds) for name, seconds, _, _ in measured if seconds > LIMIT] == []
