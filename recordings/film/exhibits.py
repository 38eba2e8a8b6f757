"""Exhibits: which page of which material everybody looked at, and what was drawn on it, second by second.

Read from the session's events by the rule of scheduling.materials.exhibition; strange data is left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple

from recordings.evidence.manifest import moment_ns
from recordings.film.shares import Share
from scheduling.materials import exhibition
from scheduling.materials.exhibition import READ, UpPage
from scheduling.materials.showing import ENDED, REPLACED, SHOWN

BRIDGED = 2.0  # seconds
Stroke = tuple[int, ...]  # x, y, x, y … in exhibition.UNITS


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
        self._rule = exhibition.Exhibition()

    @property
    def page(self) -> UpPage | None:
        """The page that is up, its name on one line."""
        page = self._rule.page
        if page is None:
            return None
        return replace(page, name="" if page.by in self._unnamed else " ".join(page.name.split()))

    @property
    def moments(self) -> list[float]:
        """Seconds at which something changes, in order."""
        return [step.at for step in self._steps]

    @property
    def strokes(self) -> list[Stroke]:
        """What is drawn on the page that is up."""
        return [line.points for line in self._rule.lines]

    def advance(self, at: float) -> None:
        """Take everything up to second ``at`` of the recording."""
        while self._taken < len(self._steps) and self._steps[self._taken].at <= at:
            step = self._steps[self._taken]
            self._rule.take(step.kind, step.data, step.by, step.at)
            self._taken += 1


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
        if event.get("kind") not in READ:
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
