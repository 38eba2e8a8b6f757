"""Showing: the events that tell which page of which material was up, and what was drawn over it.

They stand in the session's history; the room, the sealed recording and its replay read the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SHOWN, TURNED, ENDED = "material.shown", "material.turned", "material.ended"
DRAWN, WIPED = "material.drawn", "material.wiped"
KINDS = (SHOWN, TURNED, ENDED, DRAWN, WIPED)
# A material ends for this cause where another, or the same once more, is shown in its place.
REPLACED = "replaced"


def worth_a_line(happened: Iterable[tuple[str, Mapping[str, Any]]]) -> list[bool]:
    """Which events, given as kind and data in order, a list for people tells: of strokes the first of a page.

    A page may have hundreds; who wants to see them looks at the page.
    """
    marked: set[tuple[object, object]] = set()
    told = []
    for kind, data in happened:
        page = (data.get("material_id"), data.get("page"))
        told.append(kind != WIPED and (kind != DRAWN or page not in marked))
        if kind == DRAWN:
            marked.add(page)
    return told
