"""Turns measurements into a table, ratios and a JSON file."""

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.forwarding import Failure, Measurement
from bench.servers import shown
from bench.targets import FLOOR, JANUS, OURS, Figures, Target

_HEAD = (
    *("server", "point", "µs/packet", "(low..high)", "kernel %", "p50 ms", "p99 ms"),
    *("loss %", "RSS MB", "packets/s", "core %", "gen. %"),
)
_WIDTHS = (16, 5, 9, 14, 8, 7, 8, 7, 7, 9, 6, 6)
_COMPARED = (OURS, "ours-unrecorded", FLOOR)


def head() -> str:
    """The head of the table."""
    return _row(_HEAD)


def one_row(found: Measurement | Failure) -> str:
    """The row of a single measurement, or of one that did not come about."""
    if isinstance(found, Failure):
        return f"{shown(found.server):16}  {found.point!s:>5}  NOT MEASURED: {found.reason}"
    return _row(_cells([found])) + (f"  ({found.doubt})" if found.doubt else "")


def summary_rows(measurements: Sequence[Measurement]) -> list[str]:
    """One row for each point and server: medians over the rounds, CPU with its range, the worst loss."""
    groups: dict[tuple[int, str], list[Measurement]] = {}
    for measurement in measurements:
        key = (measurement.point.forwarded, measurement.server)
        groups.setdefault(key, []).append(measurement)
    return [_row(_cells(found)) for _, found in sorted(groups.items())]


def ratios(figures: Figures) -> dict[str, dict[str, dict[str, float]]]:
    """CPU of one over the other's, by server, the other one and the point: medians over rounds.

    The floor over Janus is there to tell how much of the way to a target is left at all.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for server in _COMPARED:
        for other in (*JANUS, FLOOR):
            for point in figures.points(server):
                ratio = figures.ratio(server, other, point)
                if ratio is not None and server != other:
                    found.setdefault(server, {}).setdefault(other, {})[str(point)] = round(ratio, 3)
    return found


def ratio_lines(figures: Figures) -> list[str]:
    """The ratios in words."""
    return [
        f"CPU per packet, {server} / {shown(other)}: "
        + ", ".join(f"{point} {ratio:.2f}" for point, ratio in by_point.items())
        for server, others in ratios(figures).items()
        for other, by_point in others.items()
    ]


def write_json(
    path: Path, measurements: Sequence[Measurement], goals: Sequence[Target], notes: dict[str, Any]
) -> None:
    """Everything that was measured, for later comparison."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"python": platform.python_version(), "kernel": platform.release(), **notes},
        "ratios": ratios(Figures(measurements)),
        "targets": [asdict(goal) for goal in goals],
        "measurements": [{**asdict(m), "point": str(m.point)} for m in measurements],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _cells(found: Sequence[Measurement]) -> tuple[str, ...]:
    cpu = [m.cpu_per_packet for m in found]
    return (
        shown(found[0].server),
        str(found[0].point),
        f"{median(cpu):.1f}",
        f"({min(cpu):.1f}..{max(cpu):.1f})",
        f"{100 * median(m.kernel_share for m in found):.0f}",
        f"{median(m.latency.p50 for m in found):.2f}",
        f"{median(m.latency.p99 for m in found):.2f}",
        f"{100 * max(m.loss for m in found):.3f}",
        f"{median(m.memory for m in found):.0f}",
        f"{median(m.packets_per_second for m in found):.0f}",
        f"{100 * median(m.server_load for m in found):.0f}",
        f"{100 * median(m.generator_load for m in found):.0f}",
    )


def _row(cells: Iterable[str]) -> str:
    first, *others = zip(cells, _WIDTHS, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
