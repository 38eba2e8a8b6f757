"""What is missing from a stream, and when to ask for it again (RFC 4585 section 6.2.1)."""

# A larger hole is a pause or a jump, not loss; a key frame mends it cheaper than a thousand retransmissions.
LARGEST_GAP = 256
MOST_MISSING = 512
ATTEMPTS = 8
SHORTEST_RETRY = 0.03
# After this many seconds a retransmission comes too late for anybody.
PATIENCE = 1.2


class _Missing:
    __slots__ = ("asked_at", "attempts", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.asked_at = now
        self.attempts = 1


class LossDetector:
    """Fed with every index in order of arrival; tells which indexes to ask for, at once and again.

    `given_up` counts packets that never came; `jumped` counts holes too large to mend.
    """

    def __init__(self) -> None:
        self.given_up = 0
        self.recovered = 0
        self.jumped = 0
        self._highest = -1
        self._missing: dict[int, _Missing] = {}

    @property
    def missing(self) -> int:
        """How many packets are waited for."""
        return len(self._missing)

    def receive(self, index: int, now: float) -> list[int]:
        """Note one packet. Returns the indexes found missing by it: ask for them now."""
        expected = self._highest + 1
        if index < expected:
            if self._missing and self._missing.pop(index, None) is not None:
                self.recovered += 1
            return []
        first = self._highest < 0
        self._highest = index
        if first or index == expected:
            return []
        return self._open_gap(expected, index, now)

    def _open_gap(self, start: int, end: int, now: float) -> list[int]:
        if end - start > LARGEST_GAP or len(self._missing) + end - start > MOST_MISSING:
            self.jumped += 1
            self.given_up += len(self._missing)
            self._missing.clear()
            return []
        gap = list(range(start, end))
        for index in gap:
            self._missing[index] = _Missing(now)
        return gap

    def due(self, now: float, round_trip: float) -> list[int]:
        """The indexes to ask for again. Call it every few tens of milliseconds; cheap when nothing misses."""
        if not self._missing:
            return []
        wait = max(SHORTEST_RETRY, round_trip)
        again: list[int] = []
        for index, entry in list(self._missing.items()):
            if entry.attempts >= ATTEMPTS or now - entry.since > PATIENCE:
                del self._missing[index]
                self.given_up += 1
            elif now - entry.asked_at >= wait:
                entry.asked_at = now
                entry.attempts += 1
                again.append(index)
        return again
