"""Pages of a list: which one an address asks for, and the addresses beside it.

A list is read from an offset where it is short, and from the place where the last page ended where it grows
for years: the thousandth page of that costs what the first does.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

# Nobody turns so many pages by hand; an offset costs what lies before it.
FURTHEST = 100_000


def read_offset(request: web.Request) -> int:
    """Where the page begins; 0 for anything that is no offset."""
    typed = request.query.get("offset", "0")
    return min(int(typed), FURTHEST) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 0


def beside(path: str, query: Mapping[str, str], offset: int, size: int, found: int) -> dict[str, str | None]:
    """Addresses of the pages before and after, or None; `found`: rows read, one more than are shown."""

    def at(place: int) -> str:
        return f"{path}?{urlencode({**query, 'offset': str(max(0, place))})}"

    return {
        "previous": at(offset - size) if offset else None,
        "next": at(offset + size) if found > size else None,
    }


def onward(
    path: str, query: Mapping[str, str], begun: bool, name: str, place: str | None
) -> dict[str, str | None]:
    """Addresses of the first page, unless this is it (`begun`: it began at a place), and of the next one.

    `place` is where the next page begins, under `name` in its address; None on the last page.
    """
    return {
        "first": (f"{path}?{urlencode(query)}" if query else path) if begun else None,
        "next": f"{path}?{urlencode({**query, name: place})}" if place else None,
    }
