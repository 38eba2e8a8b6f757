"""A store that refuses or is away is one alarm a day for all recordings; what one lacks is its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from recordings.alarms import Trouble
from recordings.archive.alarm import PATIENCE, hold_trouble, lock_trouble
from recordings.recording import Recording

NOON = datetime(2026, 5, 8, 4, tzinfo=UTC)
Telling = Callable[[Recording, str, int, datetime], Trouble | None]


@pytest.mark.parametrize(("tell", "what"), [(hold_trouble, "hold"), (lock_trouble, "lock")])
def test_what_the_store_does_not_do_is_told_once_a_day(tell: Telling, what: str) -> None:
    first, second = (Recording(id=name, directory=name, session_id=name) for name in ("one", "two"))
    assert tell(first, "store_down", PATIENCE - 1, NOON) is None
    for cause in ("store_down", f"{what}_refused"):
        told = tell(first, cause, PATIENCE, NOON)
        assert told is not None and told == tell(second, cause, PATIENCE, NOON + timedelta(hours=3))
        assert (told.recording_id, told.occasion) == (None, f"{what} 2026-05-08")
        assert told != tell(first, cause, PATIENCE, NOON + timedelta(days=1))
    own = tell(first, "corrupted", PATIENCE, NOON)
    assert own is not None and own.recording_id == "one" and own != tell(second, "corrupted", PATIENCE, NOON)
