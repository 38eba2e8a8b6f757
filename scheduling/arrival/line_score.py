"""How well the line between a citizen's device and the media worker carries media, scored by a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LineScore(StrEnum):
    """What the line is enough for."""

    GOOD = "good"
    SOUND = "sound"
    POOR = "poor"
    UNMEASURED = "unmeasured"  # Nobody tried, or the server could not: says nothing about the line.


LINE_WORDS: dict[LineScore, str] = {
    LineScore.GOOD: "良好，可以看到画面、听到声音",
    LineScore.SOUND: "一般，够通语音",
    LineScore.POOR: "较差，不够通话",
    LineScore.UNMEASURED: "没有测",
}


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What the server measured: round trip in ms, loss in thousandths, kbit/s; None where nothing came.

    `path` is `udp` or `tcp` as the worker sees it, `relay` when the page says that a relay stands between,
    and empty when no media passed at all. It is told, not scored: what a path costs shows in the figures.
    """

    round_trip: int | None = None
    loss_up: int | None = None
    loss_down: int | None = None
    kbps_up: int | None = None
    kbps_down: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """The worst of each figure that still counts; the same for both directions."""

    score: LineScore
    round_trip: int
    loss: int
    kbps: int


# The best row that holds is the score. 250 kbit/s carry 360 lines at 15 frames a second (the camera of a
# citizen) beside sound; 16 kbit/s carry Opus speech. Above 400 ms people begin to talk over each other
# (ITU-T G.114), above 1 s they cannot take turns; Opus conceals a fifth of lost packets with its correction.
FLOORS: tuple[Floor, ...] = (
    Floor(LineScore.GOOD, round_trip=400, loss=50, kbps=250),
    Floor(LineScore.SOUND, round_trip=1000, loss=200, kbps=16),
)


def score_line(figures: LineFigures) -> LineScore:
    """The score of figures that were measured; media that did not arrive in both directions is POOR."""
    return next((floor.score for floor in FLOORS if _holds(floor, figures)), LineScore.POOR)


def _holds(floor: Floor, figures: LineFigures) -> bool:
    slow = figures.round_trip is None or figures.round_trip > floor.round_trip
    losses, rates = (figures.loss_up, figures.loss_down), (figures.kbps_up, figures.kbps_down)
    lossy = any(loss is None or loss > floor.loss for loss in losses)
    narrow = any(rate is None or rate < floor.kbps for rate in rates)
    return not (slow or lossy or narrow)
