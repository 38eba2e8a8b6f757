"""What a peer does by the clock besides media: reports, consent checks, transport-wide feedback."""

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Diligent(Protocol):
    """A peer as its chores see it."""

    feedback: bool

    def send_reports(self) -> None:
        """Sender and receiver reports."""

    def keep_alive(self) -> None:
        """Consent checks."""

    def send_feedback(self) -> None:
        """What arrived since the last time, by transport-wide number."""


REPORT_INTERVAL = 1.0
CONSENT_INTERVAL = 4.0
# Browsers send one every 50 to 250 ms.
FEEDBACK_INTERVAL = 0.1


class Chores:
    """Who has to do what when. Times are monotonic seconds; `phase` is 0..1, a peer's place in the second."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._due: list[tuple[float, int, float, Diligent, Callable[[Diligent], None]]] = []

    def add(self, peer: Diligent, now: float, phase: float) -> None:
        """Begin, within one interval."""
        wanted: list[tuple[float, Callable[[Diligent], None]]] = [
            (REPORT_INTERVAL, lambda peer: peer.send_reports()),
            (CONSENT_INTERVAL, lambda peer: peer.keep_alive()),
        ]
        if peer.feedback:
            wanted.append((FEEDBACK_INTERVAL, lambda peer: peer.send_feedback()))
        for interval, chore in wanted:
            heapq.heappush(self._due, (now + phase * interval, next(self._order), interval, peer, chore))

    def remove(self, peer: Diligent) -> None:
        """Nothing more for this peer."""
        self._due = [item for item in self._due if item[3] is not peer]
        heapq.heapify(self._due)

    def do(self, now: float, most: int = 1_000_000) -> None:
        """Do what is due, at most so many chores; the rest is done the next time."""
        due = self._due
        while due and due[0][0] <= now and most:
            when, order, interval, peer, chore = due[0]
            chore(peer)
            heapq.heapreplace(due, (max(when + interval, now), order, interval, peer, chore))
            most -= 1
