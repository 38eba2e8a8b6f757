"""Exhibits: which page of which document was up at which second, and when each line stood on it.

Pure. What is drawn on a page stays while other pages of the document are up; it goes when it is wiped, or
when the document comes up anew after it was put away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

SHOWN, TURNED, ENDED = "material.shown", "material.turned", "material.ended"
DRAWN, WIPED = "material.drawn", "material.wiped"
KINDS = frozenset((SHOWN, TURNED, ENDED, DRAWN, WIPED))
MATERIAL_ID = re.compile(r"[0-9a-z]{1,64}")
UNITS = 10_000  # of width and height of a page
REPLACED = "replaced"
# Times that pages came up which are told; a day of turning a page every five seconds has fewer.
MOST_SHOWINGS = 20_000
# Numbers of all lines together. With more, each line is told by every second, third … of its places: none is
# left out, and a page of many thousand lines can still be sent.
MOST_NUMBERS = 300_000
MOST_STROKES = 20_000
LARGEST_PAGE = 100_000


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
    """A line x, y, x, y… in UNITS, on a sheet from ``start`` to ``end`` seconds."""

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
        if step.kind in KINDS:
            reading.take(step)
    return reading.close()


@dataclass
class _Reading:
    length: float
    sheets: dict[tuple[str, int], int] = field(default_factory=dict)
    named: list[Sheet] = field(default_factory=list)
    showings: list[Showing] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    # By sheet, the lines that are on it: since when, and their places.
    drawn: dict[int, list[tuple[float, tuple[int, ...]]]] = field(default_factory=dict)
    up: tuple[float, int, str] | None = None
    shown: tuple[str, str, int] | None = None  # material, name and pages of what is or was up last
    replaced: bool = False
    who: str = ""

    def take(self, step: Step) -> None:
        at, data = min(max(0.0, step.seconds), self.length), step.data
        if step.kind == ENDED:
            self._put_away(at)
            self.replaced = data.get("cause") == REPLACED
        elif step.kind == SHOWN:
            self._show(at, data, step.who)
        elif step.kind == TURNED and self.up is not None:
            self._turn(at, data)
        elif step.kind in (DRAWN, WIPED):
            self._mark(at, step.kind, data)

    def close(self) -> Exhibits:
        self._put_away(self.length)
        self._wipe_all(self.length)
        told = self.showings[:MOST_SHOWINGS]
        strokes = sorted(self.strokes[:MOST_STROKES], key=lambda stroke: stroke.start)
        left_out = len(self.showings) - len(told)
        return Exhibits(tuple(self.named), tuple(told), tuple(_thinned(strokes)), left_out)

    def _show(self, at: float, data: Mapping[str, Any], who: str) -> None:
        self._put_away(at)
        material, page, pages = data.get("material_id"), data.get("page"), data.get("pages")
        if not _is_material(material) or not _is_page(page) or not _is_page(pages):
            return
        if not (self.replaced and self.shown and self.shown[0] == material):
            self._wipe_all(at)
        self.shown, self.who, self.replaced = (material, str(data.get("name") or ""), pages), who, False
        self.up = (at, self._sheet(page), who)

    def _turn(self, at: float, data: Mapping[str, Any]) -> None:
        page = data.get("page")
        if self.shown is None or not _is_page(page) or data.get("material_id") != self.shown[0]:
            return
        self._put_away(at)
        self.up = (at, self._sheet(page), self.who)

    def _sheet(self, page: int) -> int:
        assert self.shown is not None
        material, name, pages = self.shown
        if (material, page) not in self.sheets:
            self.sheets[material, page] = len(self.named)
            self.named.append(Sheet(material, name, page, pages))
        return self.sheets[material, page]

    def _put_away(self, at: float) -> None:
        if self.up is not None and self.up[0] < at:
            self.showings.append(Showing(self.up[0], at, *self.up[1:]))
        self.up = None

    def _mark(self, at: float, kind: str, data: Mapping[str, Any]) -> None:
        page = data.get("page")
        sheet = self.sheets.get((str(data.get("material_id")), page)) if _is_page(page) else None
        if sheet is None:
            return
        lines = self.drawn.setdefault(sheet, [])
        if kind == DRAWN:
            points = data.get("points")
            if _is_line(points):
                lines.append((at, tuple(points)))
            return
        for _ in range(len(lines) if data.get("everything") else min(1, len(lines))):
            self._end_line(sheet, lines.pop(), at)

    def _wipe_all(self, at: float) -> None:
        for sheet, lines in self.drawn.items():
            for line in lines:
                self._end_line(sheet, line, at)
        self.drawn.clear()

    def _end_line(self, sheet: int, line: tuple[float, tuple[int, ...]], at: float) -> None:
        if line[0] < at:
            self.strokes.append(Stroke(sheet, line[0], at, line[1]))


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


def _is_material(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and MATERIAL_ID.fullmatch(value) is not None


def _is_page(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_PAGE


def _is_line(value: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) >= 4
        and len(value) % 2 == 0
        and all(isinstance(each, int) and 0 <= each <= UNITS for each in value)
    )
