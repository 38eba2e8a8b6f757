"""Shares: when somebody's document was on the stage, from the tracks of a sealed recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recordings.evidence.manifest import moment_ns

SCREEN = "screen"
# A new connection interrupts the track; the document does not leave the stage for that. Seconds.
BRIDGED = 8.0


@dataclass(frozen=True)
class Share:
    """From ``start`` to ``end``, seconds of the recording."""

    participant_id: str
    start: float
    end: float


def shares_of(manifest: dict[str, Any], start_ns: int) -> list[Share]:
    """All shares in order of their beginning; ``start_ns`` is the recording's start, wall time."""
    found: list[Share] = []
    for track in manifest["tracks"]:
        if track["source"] == SCREEN:
            found += _bridged(track["participant_id"], _spans(track, start_ns))
    return sorted(found, key=lambda share: (share.start, share.participant_id))


def _spans(track: dict[str, Any], start_ns: int) -> Iterable[tuple[float, float]]:
    for entry in track["segments"]:
        if entry["packets"]:
            yield tuple((moment_ns(entry[name]) - start_ns) / 1e9 for name in ("first_at", "last_at"))  # type: ignore[misc]


def _bridged(participant_id: str, spans: Iterable[tuple[float, float]]) -> list[Share]:
    shares: list[Share] = []
    for start, end in spans:
        if shares and start - shares[-1].end <= BRIDGED:
            start, end = shares[-1].start, max(end, shares.pop().end)
        shares.append(Share(participant_id, start, end))
    return shares


def shown_at(shares: Iterable[Share], at: float) -> Share | None:
    """The document that is large at that second; of two, the one that began last."""
    return next((share for share in reversed(list(shares)) if share.start <= at <= share.end), None)
