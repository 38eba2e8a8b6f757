"""Direction: who is large at which moment of a film, by the layout that was asked for.

``session`` is what everybody saw: the layout that the host had chosen at that moment (the event
``layout.chosen``; equal places by tier before the first), a shared screen or a material large while it was
shown. ``grid`` keeps equal places throughout; ``speaker`` makes large who has the floor; ``spotlight`` one
person from the beginning to the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from recordings.evidence.manifest import moment_ns
from recordings.film.exhibits import showings_of
from recordings.film.layout import CAMERA, MATERIAL
from recordings.film.shares import SCREEN, Share, shares_of, shown_at

SESSION, GRID, SPEAKER, SPOTLIGHT = "session", "grid", "speaker", "spotlight"
LAYOUTS = (SESSION, GRID, SPEAKER, SPOTLIGHT)
# Who says yes does not take the stage; seconds.
SHORTEST_TURN = 2.0
NOTED = "speech.noted"
CHOSEN = "layout.chosen"
# Layouts of a session in which who speaks is large; the others give equal places.
WITH_SPEAKER = ("speaker", "evidence")


class Large(NamedTuple):
    """Whose picture is large, and which of them."""

    participant_id: str
    source: str


class Direction:
    """``large_at`` for one recording. ``start_ns``: its start in wall time. ValueError for no such layout."""

    _turns: Sequence[tuple[float, str | None]]

    def __init__(self, manifest: dict[str, Any], start_ns: int, layout: str, spotlight: str = "") -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"没有这种版式：{layout}")
        self._shares = shares_of(manifest, start_ns) if layout in (SESSION, SPEAKER) else []
        self._turns = turns_of(manifest, start_ns) if layout == SPEAKER else []
        if layout == SESSION:
            self._turns = turns_as_it_was(manifest, start_ns)
        if layout == SPOTLIGHT:
            self._turns = [(0.0, find_person(manifest, spotlight))]
        self._begins = [begin for begin, _ in self._turns]
        self._showings = showings_of(manifest, start_ns) if layout in (SESSION, SPEAKER) else []
        self._shown = [showing.start for showing in self._showings]

    def large_at(self, at: float) -> Large | None:
        """Second ``at`` of the recording; None while all are equal. A document comes before a person.

        No room has a shared screen and a material up at once; where a manifest says so, the later one counts.
        """
        share, showing = shown_at(self._shares, at), self._showing_at(at)
        if showing is not None and (share is None or showing.start >= share.start):
            return Large(showing.participant_id, MATERIAL)
        if share is not None:
            return Large(share.participant_id, SCREEN)
        place = bisect_right(self._begins, at)
        who = self._turns[place - 1][1] if place else None
        return Large(who, CAMERA) if who is not None else None

    def _showing_at(self, at: float) -> Share | None:
        place = bisect_right(self._shown, at)
        return self._showings[place - 1] if place and at < self._showings[place - 1].end else None


def find_person(manifest: dict[str, Any], named: str) -> str:
    """Participant id of who is called so, by id or name; ValueError when nobody is."""
    for person in manifest["participants"]:
        if named and named in (person["participant_id"], person.get("name")):
            return str(person["participant_id"])
    raise ValueError(f"录像里没有这个人：{named}")


def turns_of(manifest: dict[str, Any], start_ns: int) -> list[tuple[float, str]]:
    """(second, participant id) at which each change of speaker took the stage, in order.

    Whoever has it keeps it through silence, so that the picture does not jump. Strange data is left out.
    """
    spans: list[tuple[float, float, str]] = []
    for event in manifest.get("session_events", ()):
        if event.get("kind") == NOTED:
            spans += _spans((event.get("data") or {}).get("spans"), start_ns)
    turns: list[tuple[float, str]] = []
    for begin, length, who in sorted(spans):
        if length >= SHORTEST_TURN and (not turns or turns[-1][1] != who):
            turns.append((begin, who))
    return turns


def turns_as_it_was(manifest: dict[str, Any], start_ns: int) -> list[tuple[float, str | None]]:
    """(second, participant id or None) of who was large by the layout that ran; None: equal places."""
    known = {person["participant_id"] for person in manifest["participants"]}
    spoke: list[tuple[float, str | None]] = list(turns_of(manifest, start_ns))
    found: list[tuple[float, str | None]] = []
    chosen = [*layouts_of(manifest, start_ns), (float("inf"), "", "")]
    for (since, layout, spotlight), (until, _, _) in pairwise(chosen):
        if spotlight in known:
            found.append((since, spotlight))
            continue
        if layout not in WITH_SPEAKER:
            found.append((since, None))
            continue
        before = [who for at, who in spoke if at <= since]
        found.append((since, before[-1] if before else None))
        found += [(at, who) for at, who in spoke if since < at < until]
    return found


def layouts_of(manifest: dict[str, Any], start_ns: int) -> list[tuple[float, str, str]]:
    """(second, layout, spotlight) of each choice of the host, in order. Strange data is left out."""
    found = []
    for event in manifest.get("session_events", ()):
        if event.get("kind") != CHOSEN:
            continue
        try:
            data = event.get("data") or {}
            second = (moment_ns(str(event["at"])) - start_ns) / 1e9
            found.append((second, str(data.get("layout") or ""), str(data.get("spotlight") or "")))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return sorted(found)


def _spans(rows: Any, start_ns: int) -> list[tuple[float, float, str]]:
    """Rows of signaling.speeches: participant id, milliseconds since the epoch, milliseconds long."""
    try:
        return [
            (int(since) / 1e3 - start_ns / 1e9, int(length) / 1e3, str(who)) for who, since, length in rows
        ]
    except (TypeError, ValueError):
        return []
