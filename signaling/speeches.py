"""Who had the floor and when, kept for the replay's timeline as spans. Pure; the clock is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# Shorter pauses of one speaker belong to the speech, and shorter speeches tell a reviewer nothing.
PAUSE = timedelta(seconds=2)
SHORTEST = timedelta(seconds=0.5)
# One event holds at most a minute; a steady change of speakers every second fills it.
NOTE_EVERY = timedelta(minutes=1)
MOST_SPANS = 60
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass
class Speech:
    """One person had the floor; `until` is None while it lasts."""

    participant_id: str
    since: datetime
    until: datetime | None = None


class Speeches:
    """Collects spans between two events. What a crash loses is at most the last minute."""

    def __init__(self) -> None:
        self._spans: list[Speech] = []
        self._noted_at: datetime | None = None

    def hear(self, speaker: str | None, now: datetime) -> None:
        """From now on this person has the floor, or nobody."""
        self._noted_at = self._noted_at or now
        last = self._spans[-1] if self._spans else None
        if last is not None and last.until is None:
            if last.participant_id == speaker:
                return
            last.until = now
        if speaker is not None:
            self._begin(last, speaker, now)

    def _begin(self, last: Speech | None, speaker: str, now: datetime) -> None:
        if last is not None and last.participant_id == speaker and last.until and now - last.until < PAUSE:
            last.until = None
        elif len(self._spans) < MOST_SPANS:
            self._spans.append(Speech(speaker, now))

    def due(self, now: datetime) -> bool:
        """Is it time for the next event?"""
        return self._noted_at is not None and now - self._noted_at >= NOTE_EVERY

    def take(self, now: datetime) -> dict[str, Any] | None:
        """The data of a `speech.noted`, or None when nobody spoke. A speech that lasts is cut in two.

        Shape: {"spans": [[participant id, milliseconds since the epoch, milliseconds long], ...]}.
        """
        spans, self._spans, self._noted_at = self._spans, [], None
        open_ = next((span for span in spans if span.until is None), None)
        if open_ is not None:
            open_.until = now
            self.hear(open_.participant_id, now)
        rows = [_row(span) for span in spans if span.until and span.until - span.since >= SHORTEST]
        return {"spans": rows} if rows else None


def read_speeches(data: dict[str, Any]) -> list[Speech]:
    """The spans of one `speech.noted`, as `take` wrote them."""
    return [
        Speech(who, since := EPOCH + timedelta(milliseconds=began), since + timedelta(milliseconds=length))
        for who, began, length in data["spans"]
    ]


def _row(span: Speech) -> list[str | int]:
    assert span.until is not None
    length = (span.until - span.since) / timedelta(milliseconds=1)
    return [span.participant_id, round(span.since.timestamp() * 1000), round(length)]
