"""When the garbage collector may look for those who left: seldom, and when nobody has to wait for it.

Transports, their DTLS and what was kept for retransmission refer to one another in circles, some 0.3 MB
for each person. Nothing on the packet path makes circles, and the collector, left to itself, would come round
after a hundred million objects: a worker doubled its memory in half an hour of coming and going. It looks
at everything that lives, and packets wait for it.
"""

# Seconds from the first who left to a look: their farewells are sent by then.
PATIENCE = 5.0
# Share of the core up to which a worker has time.
CALM = 0.3
# So many transports (10 MB) are put away however busy the worker is.
MOST_LEFT = 64


class Sweep:
    """Given how many transports have left so far, tells when it is time. Pure; times in seconds."""

    __slots__ = ("_noticed_at", "_swept")

    def __init__(self) -> None:
        self._swept = 0
        self._noticed_at: float | None = None

    def due(self, departed: int, share: float, now: float) -> bool:
        """Whether to collect now, which is taken as done. `departed` only grows, `share` is 0 to 1."""
        left = departed - self._swept
        if not left:
            return False
        if self._noticed_at is None:
            self._noticed_at = now
        if now - self._noticed_at < PATIENCE or (share > CALM and left < MOST_LEFT):
            return False
        self._swept, self._noticed_at = departed, None
        return True
