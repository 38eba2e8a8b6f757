"""Exhibits: which page of which material everybody looked at, and what was drawn on it, second by second.

Read from the session's events (``material.shown``, ``turned``, ``ended``, ``drawn``, ``wiped``); strange data
is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, NamedTuple

from recordings.evidence.manifest import moment_ns
from recordings.film.shares import Share

SHOWN, TURNED, ENDED = "material.shown", "material.turned", "material.ended"
DRAWN, WIPED = "material.drawn", "material.wiped"
REPLACED = "replaced"  # the cause of an end that another beginning follows
BRIDGED = 2.0  # seconds
CLOSED = ("session.closed", "session.failed")
KINDS = frozenset({SHOWN, TURNED, ENDED, DRAWN, WIPED, *CLOSED})
UNITS = 10_000  # of width and height of a page, in which strokes are told
# A room takes no more; what a manifest says beyond it is not drawn.
MOST_STROKES, LONGEST_STROKE = 200, 2_000
Stroke = tuple[int, ...]  # x, y, x, y … in UNITS


@dataclass(frozen=True)
class Page:
    """The page that is up. ``by``: participant id of who shows it; ``sha256`` of the picture, if told."""

    material_id: str
    name: str
    number: int
    pages: int
    by: str
    sha256: str | None


class Step(NamedTuple):
    """One event: second of the recording, kind, who, data."""

    at: float
    kind: str
    by: str
    data: dict[str, Any]


class Exhibition:
    """``page`` and ``strokes`` at the second to which it was led; it goes forwards only.

    ``unnamed``: participant ids of whom a material keeps no name.
    """

    def __init__(
        self, manifest: dict[str, Any], start_ns: int, unnamed: frozenset[str] = frozenset()
    ) -> None:
        self._unnamed = unnamed
        self._steps = steps_of(manifest, start_ns)
        self._taken = 0
        self._material = ""  # that is up: shown again before it is put away, it keeps its strokes
        self._strokes: dict[int, list[Stroke]] = {}
        self.page: Page | None = None

    @property
    def moments(self) -> list[float]:
        """Seconds at which something changes, in order."""
        return [step.at for step in self._steps]

    @property
    def strokes(self) -> list[Stroke]:
        """What is drawn on the page that is up."""
        return list(self._strokes.get(self.page.number, ())) if self.page is not None else []

    def advance(self, at: float) -> None:
        """Take everything up to second ``at`` of the recording."""
        while self._taken < len(self._steps) and self._steps[self._taken].at <= at:
            self._take(self._steps[self._taken])
            self._taken += 1

    def _take(self, step: Step) -> None:
        if step.kind == SHOWN:
            self._show(step)
        elif step.kind == ENDED or step.kind in CLOSED:
            self.page, self._material, self._strokes = None, "", {}
        elif step.data.get("material_id") != self._material:
            return
        elif step.kind == TURNED:
            self._turn(step.data)
        elif (number := _number(step.data.get("page"))) is None:
            return
        elif step.kind == DRAWN:
            stroke, drawn = stroke_of(step.data.get("points")), self._strokes.setdefault(number, [])
            if stroke and len(drawn) < MOST_STROKES:
                drawn.append(stroke)
        elif step.data.get("everything") is True:
            self._strokes.pop(number, None)
        elif self._strokes.get(number):
            self._strokes[number].pop()

    def _show(self, step: Step) -> None:
        data, number = step.data, _number(step.data.get("page"))
        material_id = data.get("material_id")
        if number is None or not isinstance(material_id, str):
            return
        if material_id != self._material:
            self._material, self._strokes = material_id, {}
        name = "" if step.by in self._unnamed else " ".join(str(data.get("name") or "").split())
        pages = _number(data.get("pages")) or number
        self.page = Page(material_id, name, number, pages, step.by, _digest(data))

    def _turn(self, data: dict[str, Any]) -> None:
        number = _number(data.get("page"))
        if self.page is not None and number is not None:
            self.page = replace(self.page, number=number, sha256=_digest(data))


def showings_of(manifest: dict[str, Any], start_ns: int) -> list[Share]:
    """When somebody's material was up, in order; never two at once."""
    exhibition, found = Exhibition(manifest, start_ns), list[Share]()
    since, by = 0.0, None
    for at in [*exhibition.moments, float("inf")]:
        exhibition.advance(at)
        now = exhibition.page.by if exhibition.page is not None else None
        if now == by and at != float("inf"):
            continue
        if by is not None and at > since:
            found.append(Share(by, since, at))
        since, by = at, now
    return found


def steps_of(manifest: dict[str, Any], start_ns: int) -> list[Step]:
    """The events that concern exhibits, in order of their time."""
    found = []
    for event in manifest.get("session_events", ()):
        if event.get("kind") not in KINDS:
            continue
        try:
            at, data = (moment_ns(str(event["at"])) - start_ns) / 1e9, dict(event.get("data") or {})
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        step = Step(at, event["kind"], str(event.get("participant_id") or ""), data)
        found.append((at, event.get("sequence") or 0, step))
    return _without_replaced([step for _, _, step in sorted(found, key=lambda entry: entry[:2])])


def _without_replaced(steps: list[Step]) -> list[Step]:
    """Where one material takes the place of another, the end of the first is written a moment before.

    A picture of the film between the two would show everybody at other places.
    """
    kept = []
    for step, then in zip_longest(steps, steps[1:]):
        replaced = step.kind == ENDED and step.data.get("cause") == REPLACED
        if not (replaced and then is not None and then.kind == SHOWN and then.at - step.at <= BRIDGED):
            kept.append(step)
    return kept


def stroke_of(points: Any) -> Stroke | None:
    """The places of a stroke; None for what is none."""
    if not isinstance(points, list) or len(points) % 2 or not 2 <= len(points) <= LONGEST_STROKE:
        return None
    if any(type(point) is not int or not 0 <= point <= UNITS for point in points):
        return None
    return tuple(points)


def _number(value: Any) -> int | None:
    return value if type(value) is int and value >= 1 else None


def _digest(data: dict[str, Any]) -> str | None:
    value = data.get("page_sha256")
    return value if isinstance(value, str) else None
