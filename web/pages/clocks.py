"""期限: the clocks that run in the cases somebody sees."""

from __future__ import annotations

from aiohttp import web

from cases.deadlines.in_force import calendar_of
from cases.handling.board import Which, count_open_clocks, list_open_clocks
from cases.handling.clocks import today
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.rendering import page
from web.views.handling import clock_row

PAGE_SIZE = 50
# From this day on the arrangement of the next year is missed.
MISSED_FROM = (12, 1)


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: `which` all, near or overdue; `offset`."""
    actor, clock = request[ACTOR], request.app[CLOCK]
    asked, offset = request.query.get("which", ""), read_offset(request)
    which = Which(asked) if asked in set(Which) else Which.ALL
    async with request.app[DATABASE].session() as db:
        found = await list_open_clocks(db, clock, actor, which, PAGE_SIZE + 1, offset)
        counts = await count_open_clocks(db, clock, actor)
    now = today(clock)
    wanted = now.year + ((now.month, now.day) >= MISSED_FROM)
    context = {
        "nav": "clocks",
        "which": which,
        "tabs": [
            (Which.ALL, "全部", counts.running),
            (Which.NEAR, "快到期", counts.near),
            (Which.OVERDUE, "已超期", counts.overdue),
        ],
        "rows": [
            clock_row(each.clock, now)
            | {
                "petition_id": each.petition_id,
                "number": each.number,
                "subject": each.subject,
                "unit": each.unit,
            }
            for each in found[:PAGE_SIZE]
        ],
        "missing_year": wanted if wanted > calendar_of().newest_year else 0,
        "beside": beside("/clocks", {"which": which}, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "clocks.html", context, title="期限")
