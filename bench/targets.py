"""What the figures have to reach, and whether they do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.forwarding import Measurement
from bench.point import Point

OURS, UNRECORDED, FLOOR = "ours", "ours-unrecorded", "floor"
JANUS = ("janus", "janus-1-loop")
# CPU per forwarded packet: at most so much of Janus's better configuration, and so much above the floor.
OF_JANUS = {Point(4, 4): 0.25, Point(8, 4): 0.25, Point(1, 10): 0.35}
OF_FLOOR = 1.6
# Of the worker's CPU, recording takes at most so much.
MOST_SHARE = 0.10
# One worker on one core.
FULL = Point(50, 4)
MOST_P99 = 10.0
LEAST_RATE = 60_000
MOST_GROWTH = 1.10
MOST_MEMORY = 1.5
MOST_JOINING = 0.7


@dataclass(frozen=True)
class Target:
    """`met` is None when the figures that would tell were not measured."""

    name: str
    figure: str
    limit: str
    met: bool | None

    def __str__(self) -> str:
        word = {True: "met", False: "NOT met", None: "not measured"}[self.met]
        return f"{word:13}{self.name}: {self.figure or '-'} (at most {self.limit})".replace(
            "at most at least", "at least"
        )


class Figures:
    """The measurements of one run, asked for by server and point."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        self.all = list(measurements)

    def of(self, server: str, point: Point) -> list[Measurement]:
        """All rounds."""
        return [m for m in self.all if m.server == server and m.point == point]

    def points(self, server: str) -> list[Point]:
        """Where this server was measured, smallest first."""
        return sorted({m.point for m in self.all if m.server == server}, key=lambda p: p.forwarded)

    def cpu(self, server: str, point: Point) -> float:
        """Median of µs for each packet. Raises StatisticsError when there is none."""
        return median(m.cpu_per_packet for m in self.of(server, point))

    def ratio(self, server: str, other: str, point: Point) -> float | None:
        """CPU of one over the other's of the same round, median over rounds; None when one is missing."""
        theirs = {m.round: m.cpu_per_packet for m in self.of(other, point)}
        found = [m.cpu_per_packet / theirs[m.round] for m in self.of(server, point) if m.round in theirs]
        return median(found) if found else None

    def better_janus(self, point: Point) -> str | None:
        """The configuration of Janus that costs less there; None when none was measured."""
        there = [server for server in JANUS if self.of(server, point)]
        return min(there, key=lambda server: self.cpu(server, point)) if there else None


def targets(figures: Figures, joining: float | None = None) -> list[Target]:
    """Every target, in the order of importance. `joining`: median seconds from link to picture."""
    return [
        *(_of_janus(figures, point, limit) for point, limit in OF_JANUS.items()),
        _of_floor(figures),
        _share(figures),
        _latency(figures),
        _full(figures),
        _rate(figures),
        _growth(figures),
        _memory(figures),
        Target(
            "link to first picture, s", _text(joining, 2), f"{MOST_JOINING}", _below(joining, MOST_JOINING)
        ),
    ]


def _of_janus(figures: Figures, point: Point, limit: float) -> Target:
    janus = figures.better_janus(point)
    ratio = figures.ratio(OURS, janus, point) if janus else None
    figure = f"{ratio:.2f} of {janus}" if ratio is not None else ""
    return Target(f"CPU per packet at {point}", figure, f"{limit}", _below(ratio, limit))


def _of_floor(figures: Figures) -> Target:
    found = {point: figures.ratio(OURS, FLOOR, point) for point in figures.points(OURS)}
    ratios = {point: ratio for point, ratio in found.items() if ratio is not None}
    figure = ", ".join(f"{point} {ratio:.2f}" for point, ratio in ratios.items())
    met = all(ratio <= OF_FLOOR for ratio in ratios.values()) if ratios else None
    return Target("CPU per packet over the floor", figure, f"{OF_FLOOR}", met)


def _share(figures: Figures) -> Target:
    """What a recorded room costs more than the same room unrecorded, of all that it costs.

    One verdict over the points: a round of a few seconds is not exact to a tenth of what it measures.
    """
    found = {point: figures.ratio(OURS, UNRECORDED, point) for point in figures.points(UNRECORDED)}
    shares = {point: 1 - 1 / ratio for point, ratio in found.items() if ratio}
    figure = ", ".join(f"{point} {100 * share:.1f} %" for point, share in shares.items())
    middle = median(shares.values()) if shares else None
    limit = f"{100 * MOST_SHARE:.0f} % in the middle"
    return Target("recording, of the worker's CPU", figure, limit, _below(middle, MOST_SHARE))


def _latency(figures: Figures) -> Target:
    """Against the configuration whose CPU is compared as well."""
    pairs: list[tuple[Point, float, float]] = []
    for point in figures.points(OURS):
        janus = figures.better_janus(point)
        if janus is not None:
            pairs.append((point, _p99(figures.of(OURS, point)), _p99(figures.of(janus, point))))
    figure = ", ".join(f"{point} {ours:.2f} / {theirs:.2f}" for point, ours, theirs in pairs)
    met = all(ours <= theirs for _, ours, theirs in pairs) if pairs else None
    return Target("p99 added latency in ms, ours / Janus", figure, "Janus's", met)


def _p99(found: Sequence[Measurement]) -> float:
    return median(m.latency.p99 for m in found)


def _full(figures: Figures) -> Target:
    found = figures.of(OURS, FULL)
    name, limit = f"{FULL} on one core, loss and p99", f"0 and {MOST_P99:.0f} ms"
    if not found:
        return Target(name, "", limit, None)
    loss, p99 = max(m.loss for m in found), _p99(found)
    return Target(name, f"{100 * loss:.3f} %, {p99:.2f} ms", limit, loss <= 0 and p99 <= MOST_P99)


def _rate(figures: Figures) -> Target:
    rates = [m.packets_per_second for m in figures.all if m.server == OURS and m.loss <= 0]
    best = max(rates, default=None)
    # A run that never asked for so much says nothing.
    asked = any(p.forwarded >= LEAST_RATE for p in figures.points(OURS))
    met = (best or 0) >= LEAST_RATE if asked else None
    return Target("forwarded packets/s without loss", _text(best, 0), f"at least {LEAST_RATE}", met)


def _growth(figures: Figures) -> Target:
    name, limit = "CPU per packet from 1 room of 4 to 50", f"{MOST_GROWTH:.2f}"
    if not figures.of(OURS, Point(1, 4)) or not figures.of(OURS, FULL):
        return Target(name, "", limit, None)
    growth = figures.cpu(OURS, FULL) / figures.cpu(OURS, Point(1, 4))
    return Target(name, f"{growth:.2f}", limit, growth <= MOST_GROWTH)


def _memory(figures: Figures) -> Target:
    slope = memory_slope(figures)
    return Target("MB for each participant", _text(slope, 2), f"{MOST_MEMORY}", _below(slope, MOST_MEMORY))


def memory_slope(figures: Figures) -> float | None:
    """Resident MB for each further participant, between our smallest and our largest rooms of four.

    What the process has before anybody came falls out of the difference.
    """
    points = [point for point in figures.points(OURS) if point.peers == 4]
    if len(points) < 2:
        return None
    small, large = points[0], points[-1]
    first = median(m.memory for m in figures.of(OURS, small))
    last = median(m.memory for m in figures.of(OURS, large))
    return (last - first) / (large.participants - small.participants)


def _below(figure: float | None, limit: float) -> bool | None:
    return None if figure is None else figure <= limit


def _text(figure: float | None, digits: int) -> str:
    return "" if figure is None else f"{figure:.{digits}f}"
