"""Pauses and deliberations: when nothing was to be recorded, read from the session's events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from recordings.evidence.manifest import moment_ns

BEGIN = "session.paused"
# What a session can do next after a pause (scheduling.session.TRANSITIONS).
END = frozenset({"session.resumed", "session.closed", "session.failed", "minutes.presented"})
# The officials conferred in private; the recorder took nothing of anybody.
PARTED = "deliberation.began"
TOGETHER = frozenset({"deliberation.ended", "session.closed", "session.failed"})
Pause = tuple[float, float]  # seconds of the recording, from and until


def pauses_of(manifest: dict[str, Any], start_ns: int, seconds: float) -> list[Pause]:
    """Every pause within a recording that began at ``start_ns`` and lasts ``seconds``, in order."""
    return pauses_among(_marks(manifest, start_ns), seconds)


def deliberations_of(manifest: dict[str, Any], start_ns: int, seconds: float) -> list[Pause]:
    """Every private deliberation of the officials within the recording, in order."""
    return deliberations_among(_marks(manifest, start_ns), seconds)


def pauses_among(marks: Iterable[tuple[str, float]], seconds: float) -> list[Pause]:
    """The same from kinds of events with their seconds in the recording, in order."""
    return _spans(marks, seconds, BEGIN, END)


def deliberations_among(marks: Iterable[tuple[str, float]], seconds: float) -> list[Pause]:
    """The same of deliberations."""
    return _spans(marks, seconds, PARTED, TOGETHER)


def _marks(manifest: dict[str, Any], start_ns: int) -> Iterator[tuple[str, float]]:
    events = sorted(manifest.get("session_events", ()), key=lambda event: event["sequence"])
    return ((event["kind"], (moment_ns(event["at"]) - start_ns) / 1e9) for event in events)


def _spans(
    marks: Iterable[tuple[str, float]], seconds: float, begin: str, ends: frozenset[str]
) -> list[Pause]:
    found: list[Pause] = []
    since: float | None = None
    for kind, at in marks:
        if kind == begin or (kind in ends and since is not None):
            if since is not None:
                found.append((since, at))
            since = at if kind == begin else None
    if since is not None:
        found.append((since, seconds))
    return [(max(0.0, start), min(end, seconds)) for start, end in found if start < seconds and end > 0]
