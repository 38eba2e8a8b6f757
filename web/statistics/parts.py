"""The parts of the figures: each a page of its own that reads what it shows and nothing more."""

from __future__ import annotations

from dataclasses import dataclass

from cases.figures.reading import Portion


@dataclass(frozen=True, slots=True)
class FigurePart:
    """One page. `code` is its template, `title` its place in the row of parts."""

    code: str
    path: str
    title: str
    portions: tuple[Portion, ...] = ()


OVERVIEW = FigurePart("overview", "/figures", "概况", (Portion.TREND,))
HANDLING = FigurePart("handling", "/figures/handling", "办理")
RECEPTIONS = FigurePart("receptions", "/figures/receptions", "视频接访")
SATISFACTION = FigurePart(
    "satisfaction", "/figures/satisfaction", "群众满意", (Portion.OFFICES, Portion.UNITS)
)
DISTRICTS = FigurePart("districts", "/figures/districts", "区县对照", (Portion.OFFICES,))
TOPICS = FigurePart("topics", "/figures/topics", "热点", (Portion.TOPICS,))
PARTS = (OVERVIEW, HANDLING, RECEPTIONS, SATISFACTION, DISTRICTS, TOPICS)
# What the page of the handling is told apart by.
APART = {
    "channel": ("渠道", Portion.CHANNELS),
    "class": ("类别", Portion.CLASSES),
    "office": ("信访部门", Portion.OFFICES),
    "unit": ("责任单位", Portion.UNITS),
}
