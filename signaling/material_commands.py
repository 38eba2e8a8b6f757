"""Commands about materials, listed by their `type` in COMMANDS; one grammar with signaling/commands.py."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.commands import Command, limited

STROKE_LIMIT = 600  # Numbers of one stroke, two for each point.


@dataclass(frozen=True, kw_only=True)
class ShowMaterial(Command):
    """Show a page of a material to the whole room."""

    material_id: str = limited(32)
    page: int


@dataclass(frozen=True, kw_only=True)
class TurnPage(Command):
    """Go to another page of what is shown."""

    page: int


@dataclass(frozen=True, kw_only=True)
class HideMaterial(Command):
    """Put it away."""


@dataclass(frozen=True, kw_only=True)
class FetchStrokes(Command):
    """Ask for what is drawn on the page that is up; it comes as `material.strokes`."""


@dataclass(frozen=True, kw_only=True)
class PointAt(Command):
    """Point at a place of the page; below zero: no longer."""

    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class DrawStroke(Command):
    """Draw a line over the page: x, y, x, y… in ten-thousandths of its width and height."""

    points: list[int] = limited(STROKE_LIMIT, minimum=4)


@dataclass(frozen=True, kw_only=True)
class WipeStrokes(Command):
    """Take the last line back, or everything on this page."""

    everything: bool


COMMANDS: dict[str, type[Command]] = {
    "material.show": ShowMaterial,
    "material.turn": TurnPage,
    "material.hide": HideMaterial,
    "material.fetch": FetchStrokes,
    "material.point": PointAt,
    "material.draw": DrawStroke,
    "material.wipe": WipeStrokes,
}
