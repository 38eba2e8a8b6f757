"""Rate limits per address: token buckets in memory with a ceiling on how many addresses are remembered."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """`burst` acts at once, then `per_minute` a minute."""

    burst: int
    per_minute: float


# A hall of citizens may share one address, hence the generous figures for links and bookings.
LIMIT_OF: dict[str, Limit] = {
    "signin": Limit(20, 10),
    "exchange": Limit(40, 30),
    "look": Limit(80, 60),
    "booking": Limit(10, 6),
    "api": Limit(200, 600),
    "petition": Limit(10, 6),
    "identity": Limit(30, 20),
    "phone_code": Limit(10, 6),
    "unconfirmed": Limit(3, 0.05),  # Of one telephone number that nobody confirmed: three an hour.
    "enclosure": Limit(120, 120),  # Parts of half a megabyte.
    "query": Limit(20, 10),
    "feed": Limit(60, 30),  # Calendar programs of an office come from one address.
}
REMEMBERED = 10_000


class RateLimits:
    """Ask `allow(kind, address)` before doing something that costs or reveals."""

    def __init__(
        self, limits: dict[str, Limit] | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits or LIMIT_OF
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def allow(self, kind: str, address: str) -> bool:
        limit, now = self._limits[kind], self._now()
        level, since = self._buckets.pop((kind, address), (float(limit.burst), now))
        level = min(float(limit.burst), level + (now - since) * limit.per_minute / 60)
        allowed = level >= 1
        self._buckets[(kind, address)] = (level - 1 if allowed else level, now)
        while len(self._buckets) > REMEMBERED:  # The oldest is forgotten first.
            self._buckets.popitem(last=False)
        return allowed
