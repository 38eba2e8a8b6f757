"""What is missing from a stream, and when to ask for it (RFC 4585 section 6.2.1).

Asking too early costs a retransmission for a packet that was only overtaken; asking too late costs a
frame. Two waits are learnt from the stream itself: how long overtaken packets take (`hold`), and how
long it takes from asking to getting (`round_trip`).
"""

from collections.abc import Callable
from typing import Any

from media.fastpath import LARGEST_GAP, new
from media.rtp import Packet

# A larger hole is a pause or a jump, not loss; a key frame mends it cheaper than a thousand retransmissions.
MOST_MISSING = 512
ATTEMPTS = 14
# Seconds; long after the last listener has given up, the recording still wants it.
PATIENCE = 4.0
# Seconds between two requests for one packet. The shortest is a packet of sound.
FIRST_ROUND_TRIP, SHORTEST_RETRY, LONGEST_RETRY = 0.1, 0.018, 0.5
# The first requests follow each other at once, the rest ever more slowly: a link may be gone for a second.
QUICK_ATTEMPTS, SLOWER = 4, 1.4
# The median is followed in steps of this ratio.
STEP = 1.15
# Seconds before the first request at most, and how fast the wait grows and shrinks with each packet.
LONGEST_HOLD, GROWTH, DECAY, DECAY_BY_LOSS = 0.5, 0.5, 0.997, 0.97
NEVER = float("inf")


class _Missing:
    __slots__ = ("ask_at", "asked_at", "attempts", "order", "since")

    def __init__(self, now: float, ask_at: float, order: int | None) -> None:
        self.since = now
        self.ask_at = ask_at
        self.asked_at = 0.0
        self.attempts = 0
        self.order = order


class LossDetector:
    """Fed with every index in order of arrival; tells which indexes to ask for, at once and again.

    `given_up` counts packets that never came; `jumped` counts holes too large to mend; `overtaken` counts
    packets that came late without being asked for. `order_of` tells in which order the sender let packets
    go, modulo 65536 (the transport-wide number), None where that is not known: so an overtaken packet is
    told from one that was sent again. The highest index stands in `state`, a struct stream.
    """

    def __init__(
        self, order_of: Callable[[Packet], int | None] = lambda packet: None, state: Any = None
    ) -> None:
        self.given_up = 0
        self.recovered = 0
        self.overtaken = 0
        self.jumped = 0
        self.hold = 0.0
        self.round_trip = FIRST_ROUND_TRIP
        self._order_of = order_of
        self._state = state or new("stream")
        self._state.loss_highest = -1
        self._missing: dict[int, _Missing] = {}
        self._state.due_at = NEVER

    @property
    def missing(self) -> int:
        """How many packets are waited for."""
        return len(self._missing)

    def receive(self, index: int, now: float, packet: Packet | None = None) -> list[int]:
        """Note one packet. Returns the indexes to ask for now."""
        expected = self._state.loss_highest + 1
        if index == expected or not expected:
            self._state.loss_highest = index
        elif index > expected:
            self._state.loss_highest = index
            self._open_gap(expected, index, now, packet)
        elif self._missing:
            entry = self._missing.pop(index, None)
            if entry is not None:
                self._fill(entry, now, packet)
        return self.due(now) if now >= self._state.due_at else []

    def notice(self, index: int, missing: int, now: float, packet: Packet | None = None) -> list[int]:
        """The compiled path has noted `index`, and so many before it are missing. The indexes to ask for."""
        if missing:
            self._open_gap(index - missing, index, now, packet)
        return self.due(now) if now >= self._state.due_at else []

    def forget(self) -> None:
        """Nobody waits any more for what is missing."""
        self.given_up += len(self._missing)
        self._missing.clear()
        self._state.due_at = NEVER

    def _open_gap(self, start: int, end: int, now: float, packet: Packet | None) -> None:
        if end - start > LARGEST_GAP or len(self._missing) + end - start > MOST_MISSING:
            self.jumped += 1
            self.forget()
            return
        order = self._order_of(packet) if packet is not None else None
        ask_at = now + self.hold
        for index in range(start, end):
            self._missing[index] = _Missing(now, ask_at, order)
        self._state.due_at = min(self._state.due_at, ask_at)

    def _fill(self, entry: _Missing, now: float, packet: Packet | None) -> None:
        self.recovered += 1
        order = self._order_of(packet) if packet is not None and entry.attempts else None
        if not entry.attempts or _is_before(order, entry.order):
            self.overtaken += 1
            late = now - entry.since
            grown = self.hold + GROWTH * (late - self.hold)
            self.hold = min(LONGEST_HOLD, grown) if late > self.hold else self.hold * DECAY
            return
        self.hold *= DECAY_BY_LOSS
        slower = now - entry.asked_at > self.round_trip
        self.round_trip *= STEP if slower else 1 / STEP
        self.round_trip = max(SHORTEST_RETRY, min(LONGEST_RETRY, self.round_trip))

    def due(self, now: float) -> list[int]:
        """The indexes to ask for now. Call it every few tens of milliseconds too; cheap when none is."""
        if now < self._state.due_at:
            return []
        asked: list[int] = []
        self._state.due_at = NEVER
        for index, entry in list(self._missing.items()):
            if now >= entry.ask_at:
                if entry.attempts >= ATTEMPTS or now - entry.since > PATIENCE:
                    del self._missing[index]
                    self.given_up += 1
                    continue
                self._ask(entry, now)
                asked.append(index)
            self._state.due_at = min(self._state.due_at, entry.ask_at)
        return asked

    def _ask(self, entry: _Missing, now: float) -> None:
        if not entry.attempts:
            entry.asked_at = now
        entry.attempts += 1
        entry.ask_at = now + self.round_trip * SLOWER ** max(0, entry.attempts - QUICK_ATTEMPTS)


def _is_before(order: int | None, other: int | None) -> bool:
    """Whether the one number was given out before the other; False where either is unknown."""
    return order is not None and other is not None and (order - other) & 0xFFFF >= 0x8000
