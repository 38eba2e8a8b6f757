"""The exhibit: which page of which material everybody looks at, and what is drawn on it. Pure but for `find`.

A material is a file of the session (scheduling/materials/), not media: pages fetch the picture by themselves.
One is shown at a time, and not beside a document that comes as media (stage.py). What is drawn lies over the
page and never changes the material; page and strokes are events, so that a recording has what everybody saw
and a restart loses neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import NotFound, RuleError
from scheduling.materials.exhibition import MOST_LINES, READ, UNITS, Exhibition
from scheduling.materials.showing import DRAWN
from scheduling.session_events import SessionEvent, events_of_kinds
from signaling.material_views import ExhibitView

# In one sitting, with what was wiped away: each is a line of the recording's manifest for ever.
MOST_WRITTEN = 3_000
FULL = "这一页的批注已满，请先擦掉一些"
ALL_FULL = "这场接访的批注已经很多，不能再画"


@dataclass
class Exhibit:
    """What is shown. `by` is the participant who shows it; `strokes` by page, each x, y, x, y… in UNITS.

    `page_sha256` (hex) is over the picture of the page that is up; None where an earlier version showed it.
    """

    material_id: str
    name: str
    pages: int
    by: str
    page: int = 1
    strokes: dict[int, list[list[int]]] = field(default_factory=dict)
    page_sha256: str | None = None

    @property
    def drawn(self) -> list[list[int]]:
        """The strokes of the page that is up."""
        return self.strokes.get(self.page, [])

    def data(self) -> dict[str, Any]:
        """For the session's history: whoever replays it knows which page was up."""
        return {"material_id": self.material_id, "name": self.name, "page": self.page, "pages": self.pages}

    def place(self) -> dict[str, Any]:
        """The page that is up, for the history of what is drawn on it."""
        return {"material_id": self.material_id, "page": self.page}

    def view(self) -> ExhibitView:
        """For the wire."""
        return ExhibitView(self.material_id, self.name, self.page, self.pages, self.by)

    def require_page(self, page: int) -> None:
        """Raises NotFound for a page that the material does not have."""
        if not 1 <= page <= self.pages:
            raise NotFound("page_not_found", f"这份材料只有 {self.pages} 页")

    def require_stroke(self, points: list[int], written: int) -> None:
        """May it be drawn, after `written` in this sitting? Raises RuleError `bad_stroke`, `strokes_full`."""
        if len(points) % 2 or any(not 0 <= point <= UNITS for point in points):
            raise RuleError("bad_stroke", "批注不完整，请再画一次")
        if len(self.drawn) >= MOST_LINES:
            raise RuleError("strokes_full", FULL)
        if written >= MOST_WRITTEN:
            raise RuleError("strokes_full", ALL_FULL)

    def draw(self, points: list[int], page: int | None = None) -> None:
        """Add a stroke to a page, the one that is up if None."""
        self.strokes.setdefault(page or self.page, []).append(points)

    def wipe(self, everything: bool, page: int | None = None) -> None:
        """Take the last stroke of a page back, or all of them."""
        drawn = self.strokes.get(page or self.page, [])
        if everything:
            drawn.clear()
        elif drawn:
            drawn.pop()


def replayed(events: Iterable[SessionEvent]) -> Exhibit | None:
    """What is shown after these events, in order; None when nothing is."""
    exhibition = Exhibition()
    for event in events:
        exhibition.take(event.kind, event.data, event.participant_id or "")
    page = exhibition.page
    if page is None:
        return None
    strokes: dict[int, list[list[int]]] = {}
    for line in exhibition.all_lines:
        strokes.setdefault(line.page, []).append(list(line.points))
    return Exhibit(page.material_id, page.name, page.pages, page.by, page.number, strokes, page.sha256)


async def find_exhibit(db: AsyncSession, session_id: str) -> Exhibit | None:
    """What is shown by the session's events, with what is drawn on it; None when nothing is."""
    return replayed(await events_of_kinds(db, session_id, READ))


async def count_strokes(db: AsyncSession, session_id: str) -> int:
    """How many were drawn in this session, wiped away or not."""
    drawn = select(func.count()).where(SessionEvent.session_id == session_id, SessionEvent.kind == DRAWN)
    return await db.scalar(drawn) or 0
