"""Pauses: when the host had interrupted the session, read from its events in the manifest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recordings.evidence.manifest import moment_ns

BEGIN = "session.paused"
# What a session can do next after a pause (scheduling.session.TRANSITIONS).
END = frozenset({"session.resumed", "session.closed", "session.failed", "minutes.presented"})
Pause = tuple[float, float]  # seconds of the recording, from and until


def pauses_of(manifest: dict[str, Any], start_ns: int, seconds: float) -> list[Pause]:
    """Every pause within a recording that began at ``start_ns`` and lasts ``seconds``, in order."""
    events = sorted(manifest.get("session_events", ()), key=lambda event: event["sequence"])
    marks = ((event["kind"], (moment_ns(event["at"]) - start_ns) / 1e9) for event in events)
    return pauses_among(marks, seconds)


def pauses_among(marks: Iterable[tuple[str, float]], seconds: float) -> list[Pause]:
    """The same from kinds of events with their seconds in the recording, in order."""
    found: list[Pause] = []
    since: float | None = None
    for kind, at in marks:
        if kind == BEGIN or (kind in END and since is not None):
            if since is not None:
                found.append((since, at))
            since = at if kind == BEGIN else None
    if since is not None:
        found.append((since, seconds))
    return [(max(0.0, start), min(end, seconds)) for start, end in found if start < seconds and end > 0]
