"""How fast a client may talk. Times are seconds of a monotonic clock, handed in."""

from __future__ import annotations

from collections import deque

RATE = 20.0
BURST = 60.0
BAD_MESSAGES = 3
BAD_WINDOW = 60.0


class Pace:
    """A bucket of BURST messages that fills with RATE per second (robustness B07)."""

    def __init__(self, now: float) -> None:
        self._tokens = BURST
        self._at = now

    def allows(self, now: float) -> bool:
        """Take one message out of the bucket; False when it is empty."""
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Patience:
    """Counts messages that do not parse; the third within a minute is one too many (B06)."""

    def __init__(self) -> None:
        self._bad: deque[float] = deque()

    def exhausted(self, now: float) -> bool:
        """Note one more bad message."""
        while self._bad and now - self._bad[0] > BAD_WINDOW:
            self._bad.popleft()
        self._bad.append(now)
        return len(self._bad) >= BAD_MESSAGES
