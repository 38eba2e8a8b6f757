"""Exhibition: which page of which material is up after the events so far, and which lines lie over it.

The one rule of it, and pure. The room after a restart, the sealing of the pages that were up, the film, the
replay and the clip all take it from here, so that none of them can show what another one does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scheduling.materials.showing import DRAWN, ENDED, KINDS, REPLACED, SHOWN, TURNED, WIPED

CLOSED = ("session.closed", "session.failed")  # With the session ends what it shows.
READ = frozenset((*KINDS, *CLOSED))  # every kind of event that changes something here
MATERIAL_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
LARGEST_PAGE = 100_000
UNITS = 10_000  # of width and height of a page; integers, so that everybody draws the same
MOST_LINES = 200  # on one page; the room takes no more, and what a manifest says beyond it is not drawn
LONGEST_LINE = 2_000  # numbers


@dataclass(frozen=True)
class UpPage:
    """The page that is up. ``number`` counts from 1; ``by``: participant id of who shows the material.

    ``sha256`` (hex) is of its picture, None where the event does not tell.
    """

    material_id: str
    name: str
    number: int
    pages: int
    by: str
    sha256: str | None


@dataclass(frozen=True, eq=False)
class Line:
    """x, y, x, y… in UNITS over a page of a material; ``since`` as the events are timed by who reads them."""

    material_id: str
    page: int
    points: tuple[int, ...]
    since: float


class Exhibition:
    """``page`` and lines after the events that were taken; nothing is up at first.

    What cannot be read is left out: a page that is none takes the one before it away, since that is not what
    everybody looks at, a line that is none is not there.
    """

    def __init__(self) -> None:
        self.page: UpPage | None = None
        self._material = ""  # whose lines are kept: of what is up, or was until it was replaced
        self._lines: dict[int, list[Line]] = {}

    @property
    def lines(self) -> list[Line]:
        """What lies over the page that is up, in the order in which it was drawn."""
        return self.lines_of(self.page.number) if self.page is not None else []

    @property
    def all_lines(self) -> Iterator[Line]:
        """Those over other pages of the material as well, which are seen when one is turned to."""
        return (line for lines in self._lines.values() for line in lines)

    def lines_of(self, number: int) -> list[Line]:
        """What lies over this page of the material."""
        return list(self._lines.get(number, ()))

    def take(self, kind: str, data: Mapping[str, Any], by: str = "", at: float = 0.0) -> list[Line]:
        """The next event of the session; returns the lines that are gone with it.

        ``by``: the participant the event belongs to; ``at`` becomes ``since`` of a line that it draws.
        """
        if kind == SHOWN:
            return self._show(data, by)
        if kind == ENDED or kind in CLOSED:
            self.page = None
            # The lines wait: the same material may be what follows.
            return [] if kind == ENDED and data.get("cause") == REPLACED else self._clear("")
        number = page_number(data.get("page"))
        if self.page is None or number is None or data.get("material_id") != self._material:
            return []
        if kind == TURNED:
            self.page = replace(self.page, number=number, sha256=_digest(data))
        elif kind == DRAWN:
            self._draw(number, data.get("points"), at)
        elif kind == WIPED:
            return self._wipe(number, data.get("everything") is True)
        return []

    def _show(self, data: Mapping[str, Any], by: str) -> list[Line]:
        material, number = data.get("material_id"), page_number(data.get("page"))
        if not isinstance(material, str) or not MATERIAL_ID.fullmatch(material) or number is None:
            self.page = None
            return self._clear("")
        gone = self._clear(material) if material != self._material else []
        pages, name = page_number(data.get("pages")) or number, str(data.get("name") or "")
        self.page = UpPage(material, name, number, pages, by, _digest(data))
        return gone

    def _draw(self, number: int, points: Any, at: float) -> None:
        lines = self._lines.setdefault(number, [])
        if is_line(points) and len(lines) < MOST_LINES:
            lines.append(Line(self._material, number, tuple(points), at))

    def _wipe(self, number: int, everything: bool) -> list[Line]:
        if everything:
            return self._lines.pop(number, [])
        lines = self._lines.get(number)
        return [lines.pop()] if lines else []

    def _clear(self, material: str) -> list[Line]:
        gone = list(self.all_lines)
        self._lines, self._material = {}, material
        return gone


def page_number(value: Any) -> int | None:
    """The number of a page, from 1; None for what is none."""
    return value if type(value) is int and 1 <= value <= LARGEST_PAGE else None


def is_line(points: Any) -> bool:
    """Two places at least, each within the page."""
    return (
        isinstance(points, list)
        and len(points) % 2 == 0
        and 4 <= len(points) <= LONGEST_LINE
        and all(type(point) is int and 0 <= point <= UNITS for point in points)
    )


def _digest(data: Mapping[str, Any]) -> str | None:
    value = data.get("page_sha256")
    return value if isinstance(value, str) else None
