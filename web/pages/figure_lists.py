"""What is behind a figure: the cases, duties, receptions, promises, persons or recordings counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from cases.figures.listing import list_counted
from cases.figures.measure import MEASURES
from cases.handling.clocks import today
from recordings.recording_figures import RECORDED, CountedRecording, list_counted_recordings
from scheduling.afterwards.people_listing import Attendance, list_persons, list_waits
from scheduling.afterwards.session_listing import Promise, list_promises, list_receptions
from scheduling.afterwards.session_measure import PROMISES
from scheduling.session import Session
from signaling.seat import invitations_of_seats
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.rendering import page
from web.statistics.asking import Asked, read_asked
from web.statistics.parts import HANDLING, RECEPTIONS, TOPICS
from web.statistics.receptions import LISTED
from web.statistics.telling import period_words, what_is_listed
from web.views.handling import clock_row

PAGE_SIZE = 50
# What a list holds that is none of receptions, by the name of its figure.
PEOPLE: Mapping[str, Callable[..., Awaitable[tuple[Sequence[Attendance], int]]]] = {
    "persons": list_persons,
    "waited": partial(list_waits, seated=invitations_of_seats),
}


async def show_cases(request: web.Request) -> web.StreamResponse:
    """GET {}: `count` a measure, `without` another, or `topic`; the rest as for the page."""
    now, offset = today(request.app[CLOCK]), read_offset(request)
    asked = read_asked(request.query, now)
    name, other = request.query.get("count", ""), request.query.get("without", "")
    topic = request.query.get("topic", "")[:40]
    async with request.app[DATABASE].session() as db:
        rows, total = await list_counted(
            db, now, request[ACTOR], name, asked.period, asked.filters,
            other=other, topic=topic, limit=PAGE_SIZE + 1, offset=offset,
        )  # fmt: skip
    told = {"count": name, "without": other, "topic": topic}
    context = _context(asked, "/figures/cases", told, offset, len(rows)) | {
        "what": what_is_listed(name, other),
        "topic": topic,
        "timeless": MEASURES[name].source == "running",
        "duties": bool(rows and rows[0].clock),
        "back": f"{TOPICS.path if topic else HANDLING.path}?{asked.query()}",
        "rows": [
            (each.petition, clock_row(each.clock, now) if each.clock else None) for each in rows[:PAGE_SIZE]
        ],
        "total": total,
    }
    return page(request, "figures_cases.html", context, title="统计明细")


async def show_receptions(request: web.Request) -> web.StreamResponse:
    """GET {}: `count` a measure of receptions or what hangs on them, `without` another of its kind; the
    rest as for the page.
    """
    now, offset, actor = today(request.app[CLOCK]), read_offset(request), request[ACTOR]
    asked = read_asked(request.query, now)
    name, other = request.query.get("count", ""), request.query.get("without", "")
    size: dict[str, Any] = {"other": other, "limit": PAGE_SIZE + 1, "offset": offset}
    found: Sequence[Promise] | Sequence[Session] | Sequence[Attendance] | Sequence[CountedRecording]
    async with request.app[DATABASE].session() as db:
        if name in PROMISES:
            found, total = await list_promises(db, now, actor, name, asked.period, asked.filters, **size)
        elif name in RECORDED:
            found, total = await list_counted_recordings(db, actor, name, asked.period, asked.filters, **size)
        elif name in PEOPLE and not other:
            found, total = await PEOPLE[name](
                db, actor, asked.period, asked.filters, limit=PAGE_SIZE + 1, offset=offset
            )
        else:
            found, total = await list_receptions(db, now, actor, name, asked.period, asked.filters, **size)
    told = {"count": name, "without": other}
    context = _context(asked, "/figures/receptions/list", told, offset, len(found))
    context |= {
        "what": LISTED[name],
        "kind": _kind(name),
        "back": f"{RECEPTIONS.path}?{asked.query()}",
        "rows": found[:PAGE_SIZE],
        "total": total,
    }
    return page(request, "figures_receptions_list.html", context, title="统计明细")


def _kind(name: str) -> str:
    """What the rows of a list are."""
    if name in PEOPLE:
        return name
    return "promises" if name in PROMISES else "recordings" if name in RECORDED else "receptions"


def _context(asked: Asked, path: str, told: dict[str, str], offset: int, found: int) -> dict[str, Any]:
    query = {"period": asked.period.code} | {name: value for name, value in told.items() if value}
    return {
        "nav": "figures",
        "period": period_words(asked.period),
        "missed": bool(told["without"]),
        "beside": beside(path, query | asked.narrowed, offset, PAGE_SIZE, found),
    }
