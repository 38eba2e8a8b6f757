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
