"""How busy this worker is: the share of one core that its event loop takes, smoothed. Pure but for `used`."""

import resource

# Seconds between looks, and the time over which a burst fades.
INTERVAL = 0.5
FADE = 5.0


def used() -> float:
    """CPU seconds of the calling thread so far: the loop's own, since more cores do not help it."""
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_utime + usage.ru_stime


class CpuShare:
    """Given readings of `used` with the time in monotonic seconds, tells the share, 0 to 1."""

    __slots__ = ("_at", "_used", "share")

    def __init__(self) -> None:
        self.share = 0.0
        self._at: float | None = None
        self._used = 0.0

    def due(self, now: float) -> bool:
        """Is it time for a reading?"""
        return self._at is None or now - self._at >= INTERVAL

    def measure(self, seconds_used: float, now: float) -> None:
        """Take a reading; the first one only begins."""
        if self._at is not None and now > self._at:
            passed = now - self._at
            share = min(1.0, max(0.0, seconds_used - self._used) / passed)
            self.share += (share - self.share) * min(1.0, passed / FADE)
        self._at, self._used = now, seconds_used
