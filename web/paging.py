"""Pages of a list that is read by an offset: which one an address asks for, and the addresses beside it."""

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
