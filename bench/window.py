"""The measuring window shared by all peers of one run, and the figures it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

_NEVER = 1 << 62


class Window:
    """Collects the added latency of packets that were sent between two moments, ns of the wall clock.

    Both are fixed before the first comes, so that whoever sends and whoever receives mean the same packets.
    """

    def __init__(self) -> None:
        self.start_ns = _NEVER
        self.end_ns = _NEVER
        self.sent = 0
        self.latencies: list[int] = []

    def set(self, start_ns: int, end_ns: int) -> None:
        """Packets sent from `start_ns` on and before `end_ns` count."""
        self.sent = 0
        self.latencies = []
        self.start_ns, self.end_ns = start_ns, end_ns

    def holds(self, sent_ns: int) -> bool:
        """Whether a packet sent then counts."""
        return self.start_ns <= sent_ns < self.end_ns

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True)
class Tally:
    """What the generator counted of packets sent in the window.

    `latencies` in ns; `late` were sent more than 5 ms after they were due, the worst by `worst_late` s;
    `duplicates`, `refused` (not authentic) and `unsent` are of the whole run.
    """

    sent: int = 0
    delivered: int = 0
    latencies: Sequence[int] = ()
    duplicates: int = 0
    refused: int = 0
    late: int = 0
    worst_late: float = 0.0
    unsent: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.sent + other.sent,
            self.delivered + other.delivered,
            [*self.latencies, *other.latencies],
            self.duplicates + other.duplicates,
            self.refused + other.refused,
            self.late + other.late,
            max(self.worst_late, other.worst_late),
            self.unsent + other.unsent,
        )


@dataclass(frozen=True)
class Latency:
    """Added latency in milliseconds."""

    p50: float
    p99: float
    worst: float


def latency_of(latencies_ns: Sequence[int]) -> Latency:
    """Percentiles of latencies in ns. Raises ValueError when there are none."""
    if not latencies_ns:
        raise ValueError("no packet arrived in the window")
    ordered = numpy.sort(numpy.asarray(latencies_ns, dtype=numpy.int64))

    def at(share: float) -> float:
        return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) / 1e6

    return Latency(at(0.50), at(0.99), float(ordered[-1]) / 1e6)
