"""Drawings as numbers: templates write them as inline SVG, beside a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cases.figures.indicator import Figure, Form
from cases.figures.reading import Reading
from web.statistics.asking import Asked
from web.statistics.telling import narrowed_to, tile_figure

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 300, 56, 34, 24
# Where a district stands on the map of squares: column and row, roughly as they lie along the Yellow River.
TILES = {
    "620121": (2, 1), "620122": (4, 1), "6201": (5, 1),
    "620111": (1, 2), "620104": (2, 2), "620105": (3, 2), "620102": (4, 2),
    "620103": (3, 3), "620123": (5, 3),
}  # fmt: skip
TILE_NAMES = {"6201": "市本级"}
SHADES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `kind` 0 or 1 is its series."""

    x: float
    y: float
    width: float
    height: float
    kind: int


@dataclass(frozen=True, slots=True)
class Columns:
    """A drawing of pairs of bars with its scale."""

    bars: tuple[Bar, ...]
    labels: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def draw_columns(rows: Sequence[tuple[str, Sequence[int]]]) -> Columns:
    """Pairs of bars for (label, values); a scale of round numbers."""
    top = _ceiling(max((value for _, values in rows for value in values), default=0))
    room, step = HEIGHT - BOTTOM - TOP, (WIDTH - LEFT) / max(1, len(rows))
    bars, labels = [], []
    for place, (label, values) in enumerate(rows):
        left = LEFT + place * step
        labels.append((round(left + step / 2, 1), label))
        width = step * 0.36
        for kind, value in enumerate(values[:2]):
            height = room * value / top
            x = left + step * 0.12 + kind * (width + step * 0.04)
            bars.append(
                Bar(round(x, 1), round(HEIGHT - BOTTOM - height, 1), round(width, 1), round(height, 1), kind)
            )
    lines = [(round(HEIGHT - BOTTOM - room * part / 4, 1), f"{top * part // 4}") for part in range(5)]
    return Columns(tuple(bars), tuple(labels), tuple(lines))


def shade(found: Figure, most: float) -> int:
    """How dark a tile is, 0 to 4: rates by five steps, the rest by their share of the most."""
    if found.value is None:
        return 0
    if found.indicator.form is Form.RATE:
        return sum(float(found.value) >= limit for limit in (60, 80, 90, 98))
    return min(SHADES - 1, int(SHADES * float(found.value) / most)) if most else 0


def draw_tiles(reading: Reading, asked: Asked, tile: str) -> list[dict[str, Any]]:
    """The squares of the map; districts that have none are in the table alone."""
    found = {part.code: (part, tile_figure(tile, part)) for part in reading.districts}
    most = max((float(each.value or 0) for _, each in found.values()), default=0)
    return [
        {
            "name": TILE_NAMES.get(code) or part.name.removesuffix("信访局"),
            "column": TILES[code][0],
            "row": TILES[code][1],
            "figure": figure,
            "shade": shade(figure, most),
            "query": asked.query(**narrowed_to("region", code)),
            "whole": figure.indicator.form is not Form.COUNT,
        }
        for code, (part, figure) in found.items()
        if code in TILES
    ]


def _ceiling(value: int) -> int:
    """The next of 4, 8, 12, 20, 40, 80 … that the scale can be divided by four."""
    size = 1
    while True:
        for factor in (4, 8, 12, 20):
            if factor * size >= value:
                return factor * size
        size *= 10
