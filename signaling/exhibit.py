"""The exhibit: which page of which material everybody looks at, and what is drawn on it. Pure but for `find`.

A material is a file of the session (scheduling/materials/), not media: pages fetch the picture by themselves.
One is shown at a time, and not beside a document that comes as media (stage.py). What is drawn lies over the
page in this process's memory only: the material never changes, and a restart loses the drawing, not the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import NotFound, RuleError
from scheduling.session_events import SessionEvent, events_of_kinds
from signaling.material_views import ExhibitView

SHOWN, TURNED, ENDED = "material.shown", "material.turned", "material.ended"
MOST_STROKES = 200  # On one page.
# Of width and height of a page; integers, so that everybody draws the same.
UNITS = 10_000
FULL = "这一页的批注已满，请先擦掉一些"


@dataclass
class Exhibit:
    """What is shown. `by` is the participant who shows it; `strokes` by page, each x, y, x, y… in UNITS."""

    material_id: str
    name: str
    pages: int
    by: str
    page: int = 1
    strokes: dict[int, list[list[int]]] = field(default_factory=dict)

    @property
    def drawn(self) -> list[list[int]]:
        """The strokes of the page that is up."""
        return self.strokes.get(self.page, [])

    def data(self) -> dict[str, Any]:
        """For the session's history: whoever replays it knows which page was up."""
        return {"material_id": self.material_id, "name": self.name, "page": self.page, "pages": self.pages}

    def view(self) -> ExhibitView:
        """For the wire."""
        return ExhibitView(self.material_id, self.name, self.page, self.pages, self.by)

    def require_page(self, page: int) -> None:
        """Raises NotFound for a page that the material does not have."""
        if not 1 <= page <= self.pages:
            raise NotFound("page_not_found", f"这份材料只有 {self.pages} 页")

    def draw(self, points: list[int]) -> None:
        """Add a stroke to the page. Raises RuleError `bad_stroke`, `strokes_full`."""
        if len(points) % 2 or any(not 0 <= point <= UNITS for point in points):
            raise RuleError("bad_stroke", "批注不完整，请再画一次")
        if len(self.drawn) >= MOST_STROKES:
            raise RuleError("strokes_full", FULL)
        self.strokes.setdefault(self.page, []).append(points)

    def wipe(self, everything: bool) -> None:
        """Take the last stroke of the page back, or all of them."""
        if everything:
            self.strokes.pop(self.page, None)
        elif self.drawn:
            self.drawn.pop()


async def find_exhibit(db: AsyncSession, session_id: str) -> Exhibit | None:
    """What is shown by the session's events; None when nothing is."""
    events = await events_of_kinds(db, session_id, (SHOWN, TURNED, ENDED))
    shown: SessionEvent | None = None
    page = 1
    for event in events:
        if event.kind == TURNED:
            page = int(event.data.get("page", 1))
            continue
        shown = event if event.kind == SHOWN else None
        page = int(event.data.get("page", 1))
    if shown is None:
        return None
    data = shown.data
    return Exhibit(
        str(data["material_id"]), str(data["name"]), int(data["pages"]), shown.participant_id or "", page
    )
