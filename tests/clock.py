"""The clock of tests: it stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# Wednesday 22 July 2026, 09:00 in Beijing.
MORNING = datetime(2026, 7, 22, 1, 0, tzinfo=UTC)


class FixedClock:
    """A Clock whose hands are moved by the test."""

    def __init__(self, now: datetime = MORNING) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **parts: float) -> None:
        """Go on by a timedelta: `clock.advance(minutes=15)`."""
        self._now += timedelta(**parts)

    def set(self, now: datetime) -> None:
        """Jump to a moment."""
        self._now = now
