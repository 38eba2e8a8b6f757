"""The view log of one recording: who opened it, why, which stretches were played, what was exported."""

from __future__ import annotations

from aiohttp import web

from recordings.review.view_audit import ACTS
from recordings.review.viewing import MOST_SHOWN, ViewLog, list_viewings
from web.keys import ACTOR, DATABASE
from web.rendering import page


async def show(request: web.Request) -> web.StreamResponse:
    """For the offices concerned: with the title of the reception and a way back."""
    log = await _read(request)
    return page(request, "views.html", _context(log, log.session.title), title="调阅记录")


async def show_audited(request: web.Request) -> web.StreamResponse:
    """For auditors, who see no case content: the recording by its number only."""
    context = _context(await _read(request), None) | {"nav": "administration"}
    return page(request, "views.html", context, title="调阅记录")


async def _read(request: web.Request) -> ViewLog:
    async with request.app[DATABASE].session() as db:
        return await list_viewings(db, request[ACTOR], request.match_info["recording_id"])


def _context(log: ViewLog, title: str | None) -> dict[str, object]:
    played: dict[str, list[tuple[float, float]]] = {}
    for row in reversed(log.ranges):
        played.setdefault(row.purpose_id, []).append((row.from_ms / 1000, row.to_ms / 1000))
    return {
        "log": log,
        "acts": ACTS,
        "title": title,
        "played": played,
        "cut": MOST_SHOWN if max(map(len, (log.openings, log.purposes, log.ranges))) >= MOST_SHOWN else 0,
    }
