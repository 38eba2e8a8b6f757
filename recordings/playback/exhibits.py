"""Exhibits: which page of which document was up at which second, and when each line stood on it.

Pure. What is up and what lies on it is the rule of scheduling.materials.exhibition; here it gets its spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduling.materials.exhibition import READ, Exhibition, Line, UpPage

# Times that pages came up which are told; a day of turning a page every five seconds has fewer.
MOST_SHOWINGS = 20_000
# Numbers of all lines together. With more, each line is told by every second, third … of its places: none is
# left out, and a page of many thousand lines can still be sent.
MOST_NUMBERS = 300_000
MOST_STROKES = 20_000


@dataclass(frozen=True)
class Step:
    """An event of a session: ``seconds`` of the recording, ``who`` the participant it belongs to."""

    kind: str
    seconds: float
    data: Mapping[str, Any]
    who: str = ""


@dataclass(frozen=True)
class Sheet:
    """A page that was up at some time; ``page`` counts from 1."""

    material_id: str
    name: str
    page: int
    pages: int


@dataclass(frozen=True)
class Showing:
    """``sheet``, the place in the list of sheets, was up from ``start`` to ``end`` seconds."""

    start: float
    end: float
    sheet: int
    who: str


@dataclass(frozen=True)
class Stroke:
    """A line x, y, x, y… in ten-thousandths of its sheet, there from ``start`` to ``end`` seconds."""

    sheet: int
    start: float
    end: float
    points: tuple[int, ...]


@dataclass(frozen=True)
class Exhibits:
    """All that was shown; ``left_out``: further times that a page came up."""

    sheets: tuple[Sheet, ...]
    showings: tuple[Showing, ...]
    strokes: tuple[Stroke, ...]
    left_out: int = 0

    def between(self, start: float, end: float) -> Exhibits:
        """What of it is within these seconds, on a time that begins at ``start``."""
        spans = [one for one in self.showings if one.start < end and one.end > start]
        places = {sheet: place for place, sheet in enumerate(dict.fromkeys(one.sheet for one in spans))}
        length = end - start

        def cut(moment: float) -> float:
            return min(max(0.0, moment - start), length)

        return Exhibits(
            tuple(self.sheets[sheet] for sheet in places),
            tuple(Showing(cut(one.start), cut(one.end), places[one.sheet], one.who) for one in spans),
            tuple(
                Stroke(places[one.sheet], cut(one.start), cut(one.end), one.points)
                for one in self.strokes
                if one.sheet in places and one.start < end and one.end > start
            ),
            self.left_out,
        )


def read_exhibits(steps: Iterable[Step], length: float) -> Exhibits:
    """From the session's events in their order; ``length`` in seconds. What cannot be read is left out."""
    reading = _Reading(length)
    for step in steps:
        if step.kind in READ:
            reading.take(step)
    return reading.close()


@dataclass
class _Reading:
    length: float
    sheets: dict[tuple[str, int], int] = field(default_factory=dict)
    named: list[Sheet] = field(default_factory=list)
    showings: list[Showing] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    rule: Exhibition = field(default_factory=Exhibition)
    up: tuple[float, int, UpPage] | None = None  # since when, which sheet

    def take(self, step: Step) -> None:
        at = min(max(0.0, step.seconds), self.length)
        for line in self.rule.take(step.kind, step.data, step.who, at):
            self._end_line(line, at)
        page = self.rule.page
        if page != (self.up[2] if self.up is not None else None):
            self._put_away(at)
            self.up = (at, self._sheet(page), page) if page is not None else None

    def close(self) -> Exhibits:
        self._put_away(self.length)
        for line in self.rule.all_lines:
            self._end_line(line, self.length)
        told = self.showings[:MOST_SHOWINGS]
        strokes = sorted(self.strokes[:MOST_STROKES], key=lambda stroke: stroke.start)
        left_out = len(self.showings) - len(told)
        return Exhibits(tuple(self.named), tuple(told), tuple(_thinned(strokes)), left_out)

    def _sheet(self, page: UpPage) -> int:
        key = (page.material_id, page.number)
        if key not in self.sheets:
            self.sheets[key] = len(self.named)
            self.named.append(Sheet(page.material_id, page.name, page.number, page.pages))
        return self.sheets[key]

    def _put_away(self, at: float) -> None:
        if self.up is not None and self.up[0] < at:
            self.showings.append(Showing(self.up[0], at, self.up[1], self.up[2].by))

    def _end_line(self, line: Line, at: float) -> None:
        sheet = self.sheets.get((line.material_id, line.page))
        if sheet is not None and line.since < at:  # One over a page that never came up was never seen.
            self.strokes.append(Stroke(sheet, line.since, at, line.points))


def _thinned(strokes: list[Stroke]) -> Iterator[Stroke]:
    every = -(-sum(len(stroke.points) for stroke in strokes) // MOST_NUMBERS)
    for stroke in strokes:
        if every <= 1:
            yield stroke
            continue
        places = list(zip(stroke.points[::2], stroke.points[1::2], strict=True))
        kept = places[:-1:every] + places[-1:]
        points = tuple(number for place in kept for number in place)
        yield Stroke(stroke.sheet, stroke.start, stroke.end, points)
