"""How well a participant's media travels: rows of figures, and a level for people to read. Pure.

A row is a second of one direction, with the columns of the `quality` command (docs/protocol.md): loss in
thousandths, round trip ms, jitter ms, kbit/s, width, height, frames a second; -1 is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from signaling.commands import MediaPath
from signaling.pushes import QualityLevel, QualityView

Row = Sequence[int]
Direction = Literal["up", "down"]
Origin = Literal["browser", "worker"]

COLUMNS = 7
LOSS, ROUND_TRIP, _, BITRATE = range(4)
UNKNOWN = -1
LARGEST_FIGURE = 10_000_000
ORDER: tuple[QualityLevel, ...] = ("good", "fair", "poor", "gone")
# Samples (experience.md 5.1): the word must not flicker.
WORSE_AFTER = 3
BETTER_AFTER = 5
# A page that says nothing for this long is no witness any more.
WITNESS = timedelta(seconds=12)
# A page may tell once a second.
PACE = timedelta(seconds=0.9)
ROWS_PER_MINUTE = 60


def is_row(row: Row) -> bool:
    """Seven integers in range, the loss at most 1000."""
    return (
        len(row) == COLUMNS
        and all(UNKNOWN <= figure <= LARGEST_FIGURE for figure in row)
        and row[LOSS] <= 1000
    )


def level_of(loss: int, round_trip: int, bitrate: int) -> QualityLevel:
    """Of one second: good below 3 % and 200 ms, fair below 8 % and 400 ms, gone when nothing came."""
    if bitrate == 0:
        return "gone"
    if loss < 30 and round_trip < 200:
        return "good"
    return "fair" if loss < 80 and round_trip < 400 else "poor"


class Grader:
    """The level that is shown: worse after three samples, better after five."""

    def __init__(self) -> None:
        self.shown: QualityLevel = "good"
        self._against: list[int] = []

    def add(self, level: QualityLevel) -> bool:
        """True when the shown level changed."""
        now, shown = ORDER.index(level), ORDER.index(self.shown)
        worse = now > shown
        if now == shown:
            self._against = []
            return False
        self._against = [*(place for place in self._against if (place > shown) == worse), now]
        if len(self._against) < (WORSE_AFTER if worse else BETTER_AFTER):
            return False
        # The mildest of what was seen, in either direction.
        self.shown = ORDER[min(self._against) if worse else max(self._against)]
        self._against = []
        return True


@dataclass
class Minute:
    """Everything measured of one participant in one minute, each row after its second in the minute."""

    participant_id: str
    at: datetime
    path: MediaPath = "unknown"
    rows: dict[Origin, dict[Direction, list[list[int]]]] = field(
        default_factory=lambda: {"browser": {"up": [], "down": []}, "worker": {"up": [], "down": []}}
    )

    def add(self, origin: Origin, direction: Direction, row: Row, now: datetime) -> None:
        """One row; more than there are seconds are left out."""
        rows = self.rows[origin][direction]
        if len(rows) < ROWS_PER_MINUTE:
            rows.append([int((now - self.at).total_seconds()), *row])


class Quality:
    """One participant in the room. Both ends tell; the end that receives is believed about loss."""

    def __init__(self, participant_id: str) -> None:
        self.participant_id = participant_id
        # Seconds in a row in which the worker got nothing on a started stream.
        self.quiet = 0
        self._graders: dict[Direction, Grader] = {"up": Grader(), "down": Grader()}
        self._loss: dict[Direction, int] = {"up": UNKNOWN, "down": UNKNOWN}
        self._round_trip = UNKNOWN
        self._path: MediaPath = "unknown"
        self._told_at: datetime | None = None
        self._minute: Minute | None = None

    @property
    def bad(self) -> bool:
        """Is there something to read?"""
        return any(grader.shown != "good" for grader in self._graders.values())

    def may_tell(self, now: datetime) -> bool:
        """Has the page let a second pass?"""
        return self._told_at is None or now - self._told_at >= PACE

    def hear_page(self, path: MediaPath, up: Sequence[Row], down: Sequence[Row], now: datetime) -> bool:
        """Rows from the browser, oldest first; True when a level changed."""
        self._told_at, self._path = now, path
        trips = [row[ROUND_TRIP] for row in (*up[-1:], *down[-1:])]
        self._round_trip = max(trips, default=UNKNOWN)
        directions: tuple[tuple[Direction, Sequence[Row]], ...] = (("up", up), ("down", down))
        for direction, rows in directions:
            for age, row in enumerate(reversed(rows)):
                self._keep("browser", direction, row, now - timedelta(seconds=age))
        return any([self._grade("down", row) for row in down])

    def hear_worker(self, rows: Mapping[str, Row], now: datetime) -> bool:
        """At most one row a direction from the worker; True when a level changed."""
        up, down = rows.get("up"), rows.get("down")
        changed = False
        if up is not None:
            self.quiet = self.quiet + 1 if up[BITRATE] == 0 else 0
            self._keep("worker", "up", up, now)
            changed = self._grade("up", up)
        if down is not None:
            self._keep("worker", "down", down, now)
            if self._told_at is None or now - self._told_at > WITNESS:
                changed = self._grade("down", down) or changed
        return changed

    def _grade(self, direction: Direction, row: Row) -> bool:
        self._loss[direction] = row[LOSS]
        return self._graders[direction].add(level_of(row[LOSS], self._round_trip, row[BITRATE]))

    def view(self) -> QualityView:
        """For officials."""
        return QualityView(
            up=self._graders["up"].shown,
            down=self._graders["down"].shown,
            up_loss=_percent(self._loss["up"]),
            down_loss=_percent(self._loss["down"]),
            round_trip=self._round_trip if self._round_trip >= 0 else None,
            path=self._path,
        )

    # The record

    def _keep(self, origin: Origin, direction: Direction, row: Row, at: datetime) -> None:
        if self._minute is None:
            self._minute = Minute(self.participant_id, at.replace(second=0, microsecond=0))
        if at >= self._minute.at:
            self._minute.path = self._path
            self._minute.add(origin, direction, row, at)

    def take(self, now: datetime, all_of_it: bool = False) -> Minute | None:
        """What is to be written: a minute that is over, or also one that is not."""
        minute = self._minute
        if minute is None or not (all_of_it or now - minute.at >= timedelta(minutes=1)):
            return None
        self._minute = None
        return minute


def _percent(thousandths: int) -> int | None:
    return round(thousandths / 10) if thousandths >= 0 else None
