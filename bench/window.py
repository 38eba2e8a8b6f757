"""The measuring window shared by all peers of one run, and the figures it comes to."""

import time
from dataclasses import dataclass

_NEVER = 1 << 62


class Window:
    """Collects the added latency of packets that were sent between `open` and `shut`."""

    def __init__(self) -> None:
        self.start_ns = _NEVER
        self.end_ns = _NEVER
        self.latencies: list[int] = []

    def open(self) -> None:
        """Packets sent from now on count."""
        self.latencies = []
        self.end_ns = _NEVER
        self.start_ns = time.time_ns()

    def shut(self) -> None:
        """Packets sent from now on do not count; late ones sent before still do."""
        self.end_ns = time.time_ns()

    @property
    def seconds(self) -> float:
        """How long the window was open."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True)
class Latency:
    """Added latency in milliseconds."""

    p50: float
    p99: float
    worst: float


def latency_of(latencies_ns: list[int]) -> Latency:
    """Percentiles of latencies in ns. Raises ValueError when there are none."""
    if not latencies_ns:
        raise ValueError("no packet arrived in the window")
    ordered = sorted(latencies_ns)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6

    return Latency(at(0.50), at(0.99), ordered[-1] / 1e6)
