"""Quality for the replay: the minutes on record, graded again as officials saw them live. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from signaling.pushes import QualityLevel, QualityView
from signaling.quality import ORDER, Quality, Row
from signaling.quality_minutes import MeasuredMinute

# A hole in the rows up to this long is bridged; behind a longer one nobody measured.
BRIDGED = timedelta(seconds=5)
SECOND = timedelta(seconds=1)
# Rows of one second, by who told and direction.
Heard = dict[tuple[str, str], Row]


@dataclass(slots=True)
class QualitySpan:
    """A span of one level in each direction; figures are the worst within it, in percent and ms."""

    since: datetime
    until: datetime
    up: QualityLevel
    down: QualityLevel
    up_loss: int | None
    down_loss: int | None
    round_trip: int | None

    @property
    def level(self) -> QualityLevel:
        """The worse of both directions."""
        return ORDER[max(ORDER.index(self.up), ORDER.index(self.down))]


def grade_minutes(minutes: Iterable[MeasuredMinute]) -> dict[str, list[QualitySpan]]:
    """By participant, spans in order that do not overlap."""
    seconds: dict[str, dict[datetime, Heard]] = {}
    for minute in minutes:
        mine = seconds.setdefault(minute.participant_id, {})
        for origin, directions in minute.rows.items():
            for direction, rows in directions.items():
                for second, *row in rows:
                    at = minute.at + timedelta(seconds=second)
                    mine.setdefault(at, {})[origin, direction] = row
    return {who: _grade(Quality(who), heard) for who, heard in seconds.items()}


def _grade(quality: Quality, seconds: Mapping[datetime, Heard]) -> list[QualitySpan]:
    spans: list[QualitySpan] = []
    for at in sorted(seconds):
        heard = seconds[at]
        up, down = ([heard["browser", way]] if ("browser", way) in heard else [] for way in ("up", "down"))
        if up or down:
            quality.hear_page("unknown", up, down, at)
        quality.hear_worker({way: row for (origin, way), row in heard.items() if origin == "worker"}, at)
        _extend(spans, at, quality.view())
    return spans


def _extend(spans: list[QualitySpan], at: datetime, view: QualityView) -> None:
    last = spans[-1] if spans else None
    if last is not None and at - last.until <= BRIDGED:
        last.until = at
        if (last.up, last.down) == (view.up, view.down):
            last.until = at + SECOND
            last.up_loss = _worse(last.up_loss, view.up_loss)
            last.down_loss = _worse(last.down_loss, view.down_loss)
            last.round_trip = _worse(last.round_trip, view.round_trip)
            return
    figures = view.up_loss, view.down_loss, view.round_trip
    spans.append(QualitySpan(at, at + SECOND, view.up, view.down, *figures))


def _worse(one: int | None, other: int | None) -> int | None:
    return max((figure for figure in (one, other) if figure is not None), default=None)
