"""Turns measurements into a table, a verdict and a JSON file."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.forwarding import Measurement

# The first target: at most half of Janus's CPU for each forwarded packet.
TARGET_RATIO = 0.5
_HEAD = (
    *("server", "rooms", "µs/packet", "(low..high)", "p50 ms", "p99 ms"),
    *("loss %", "RSS MB", "packets/s", "core %"),
)
_WIDTHS = (18, 5, 9, 14, 7, 7, 7, 7, 9, 6)


def head() -> str:
    """The head of the table."""
    return _row(_HEAD)


def summary_rows(measurements: list[Measurement]) -> list[str]:
    """One row for each server and number of rooms: medians over the rounds, CPU with its range."""
    return [_row(_cells(server, rooms, found)) for (server, rooms), found in _grouped(measurements)]


def one_row(measurement: Measurement) -> str:
    """The row of a single measurement."""
    return _row(_cells(measurement.server, measurement.rooms, [measurement]))


def ratios(measurements: list[Measurement]) -> dict[str, dict[int, float]]:
    """CPU of each of our servers over Janus's of the same round; the median over rounds, by rooms."""
    janus = {(m.rooms, m.round): m.cpu_per_packet for m in measurements if m.server == "janus"}
    found: dict[str, dict[int, list[float]]] = {}
    for m in measurements:
        yardstick = janus.get((m.rooms, m.round))
        if m.server != "janus" and yardstick:
            found.setdefault(m.server, {}).setdefault(m.rooms, []).append(m.cpu_per_packet / yardstick)
    return {server: {rooms: median(each) for rooms, each in by.items()} for server, by in found.items()}


def verdict(measurements: list[Measurement]) -> list[str]:
    """The ratios in words, and whether the target is met."""
    lines = []
    for server, by_rooms in ratios(measurements).items():
        each = ", ".join(f"{rooms} rooms {ratio:.2f}" for rooms, ratio in by_rooms.items())
        lines.append(f"CPU per forwarded packet, {server} / janus: {each}")
    ours = ratios(measurements).get("ours", {})
    if ours:
        met = all(ratio <= TARGET_RATIO for ratio in ours.values())
        lines.append(f"Target (ours at most {TARGET_RATIO} of Janus): {'met' if met else 'NOT met'}")
    return lines


def write_json(path: Path, measurements: list[Measurement], notes: dict[str, Any]) -> None:
    """Everything that was measured, for later comparison."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"python": platform.python_version(), "kernel": platform.release(), **notes},
        "ratios": ratios(measurements),
        "measurements": [asdict(measurement) for measurement in measurements],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _grouped(measurements: list[Measurement]) -> Iterable[tuple[tuple[str, int], list[Measurement]]]:
    groups: dict[tuple[str, int], list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault((measurement.server, measurement.rooms), []).append(measurement)
    return sorted(groups.items(), key=lambda item: (item[0][1], item[0][0]))


def _cells(server: str, rooms: int, found: list[Measurement]) -> tuple[str, ...]:
    cpu = [m.cpu_per_packet for m in found]
    return (
        server,
        str(rooms),
        f"{median(cpu):.1f}",
        f"({min(cpu):.1f}..{max(cpu):.1f})",
        f"{median(m.latency.p50 for m in found):.2f}",
        f"{median(m.latency.p99 for m in found):.2f}",
        f"{100 * max(m.loss for m in found):.3f}",
        f"{median(m.memory for m in found):.0f}",
        f"{median(m.packets_per_second for m in found):.0f}",
        f"{100 * median(m.server_load for m in found):.0f}",
    )


def _row(cells: Iterable[str]) -> str:
    first, *others = zip(cells, _WIDTHS, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
