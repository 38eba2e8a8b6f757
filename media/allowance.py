"""How much of something each key may use up in a second."""

from collections.abc import Hashable


class Allowance:
    """At most `limit` for each key in each second of the clock; what is counted is forgotten after it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._second = -1
        self._used: dict[Hashable, int] = {}

    def take(self, key: Hashable, now: float) -> bool:
        """Use one up. False when there is none left in this second."""
        if int(now) != self._second:
            self._second = int(now)
            self._used = {}
        used = self._used.get(key, 0)
        if used >= self._limit:
            return False
        self._used[key] = used + 1
        return True


class Budget:
    """At most `most` at once, and `rate` a second in the long run. Full at first."""

    def __init__(self, most: int, rate: float) -> None:
        self._most = float(most)
        self._rate = rate
        self._left = self._most
        self._at = 0.0

    @property
    def left(self) -> bool:
        """Whether there is one to spend."""
        return self._left >= 1

    def refill(self, now: float) -> None:
        """Time has passed."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now

    def spend(self) -> None:
        """One is gone."""
        self._left -= 1
