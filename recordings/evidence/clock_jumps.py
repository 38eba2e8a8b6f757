"""Clock jumps: where the wall clock was set during a recording, and times put back on the recording's own.

A recording's time is the wall clock at its beginning, gone on by the monotonic clock (recordings.inventory).
Events of a session and the end of a recording are noted by the wall clock alone: after a jump of an hour
they would stand an hour beside the film, or before its beginning.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from recordings.evidence.manifest import MANIFEST_FILE, moment_ns, utc_text

SECOND_NS = 1_000_000_000
JUMP_NS = SECOND_NS  # Less is what clocks are corrected by.
SAME_NS = 5 * SECOND_NS  # An event's monotonic time is believed when it agrees so well with its wall time.
FARTHEST_NS = 400 * 366 * 86_400 * SECOND_NS  # No clock is off by more.
NOTED = "speech.noted"
LAST_NS = 1 << 63  # after everything


class ClockJumps:
    """``jumps``: (recording time, by how much the wall clock was set), ns; ``anchors`` as in the manifest.

    False when the clock was never set; then every time is returned as it is.
    """

    def __init__(self, jumps: Iterable[tuple[int, int]], anchors: Iterable[tuple[int, int]] = ()) -> None:
        self._at: list[int] = []
        self._off = [0]
        for at, by in sorted(jumps):
            self._at.append(at)
            self._off.append(self._off[-1] + by)
        self._anchors = list(anchors)

    def __bool__(self) -> bool:
        return bool(self._at)

    def recording_ns(self, shown_ns: int, near_ns: int) -> int:
        """The recording time of a time by the wall clock.

        A clock set back shows the same time twice; of two that are possible the one next to ``near_ns`` is
        taken.
        """
        stages = [shown_ns - off for off in self._off]
        return min(stages, key=lambda at: (self._outside(stages.index(at), at) // JUMP_NS, abs(at - near_ns)))

    def event_ns(self, shown_ns: int, monotonic_ms: int | None, near_ns: int) -> int:
        """The same for an event; its monotonic time tells, where it is of the recording machine."""
        for mono, wall in self._anchors if monotonic_ms is not None else ():
            told = wall + (monotonic_ms or 0) * 1_000_000 - mono
            if abs(shown_ns - self._off[bisect_right(self._at, told)] - told) < SAME_NS:
                return told
        return self.recording_ns(shown_ns, near_ns)

    def seconds(self, start: datetime, stop: datetime) -> float:
        """How long a recording lasted from the one to the other time by the wall clock; never negative."""
        return max(0.0, (self.ended(stop) - start).total_seconds())

    def ended(self, stop: datetime) -> datetime:
        """The end of a recording, noted by the wall clock, on the recording's time."""
        if not self:
            return stop
        return stop + timedelta(
            microseconds=(self.recording_ns(wall_ns(stop), LAST_NS) - wall_ns(stop)) // 1_000
        )

    def _outside(self, stage: int, at: int) -> int:
        """By how many ns a time lies beside the stage in which the clock was off by so much."""
        since = self._at[stage - 1] if stage else at
        until = self._at[stage] if stage < len(self._at) else at
        return max(0, since - at, at - until)


def wall_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of an aware datetime."""
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def jumps_of(manifest: dict[str, Any]) -> ClockJumps:
    """The jumps a manifest tells of; none where it tells nothing that can be read."""
    clock = manifest.get("clock")
    try:
        jumps = [(moment_ns(jump["at"]), int(jump["by_ns"])) for jump in clock.get("jumps", ())]  # type: ignore[union-attr]
        anchors = [(int(boot["monotonic_ns"]), int(boot["wall_ns"])) for boot in clock["boots"]]  # type: ignore[index]
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return ClockJumps(())
    return ClockJumps(jumps, anchors) if all(abs(by) < FARTHEST_NS for _, by in jumps) else ClockJumps(())


def read_jumps(folder: Path) -> ClockJumps:
    """Those of a sealed folder; none where there is no manifest."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ClockJumps(())
    return jumps_of(manifest) if isinstance(manifest, dict) else ClockJumps(())


def steady(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with its end and its events on the recording's own time; itself without a jump."""
    jumps = jumps_of(manifest)
    if not jumps:
        return manifest
    recording = dict(manifest["recording"])
    near = max(
        (
            moment_ns(entry["last_at"])
            for track in manifest["tracks"]
            for entry in track["segments"]
            if entry.get("last_at")
        ),
        default=moment_ns(recording["started_at"]),
    )
    recording["stopped_at"] = utc_text(jumps.recording_ns(moment_ns(recording["stopped_at"]), near))
    events, near = [], moment_ns(recording["started_at"])
    for event in sorted(manifest.get("session_events", ()), key=lambda event: event["sequence"]):
        near = jumps.event_ns(moment_ns(event["at"]), event.get("monotonic_ms"), near)
        data = event.get("data")
        if event["kind"] == NOTED and isinstance(data, dict):
            data = {**data, "spans": _spans(jumps, data.get("spans"), near)}
        events.append({**event, "at": utc_text(near), "data": data})
    clock = {**manifest["clock"], "jumps": []}  # They are done away with.
    return {**manifest, "recording": recording, "session_events": events, "clock": clock}


def _spans(jumps: ClockJumps, rows: Any, near_ns: int) -> Any:
    """Rows of signaling.speeches with their beginnings moved; what is none is left as it is."""
    try:
        return [
            [who, jumps.recording_ns(int(since) * 1_000_000, near_ns) // 1_000_000, length]
            for who, since, length in rows
        ]
    except (TypeError, ValueError):
        return rows
