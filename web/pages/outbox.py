"""发出的通知: what citizens were told, each attempt, and what somebody must do where it did not arrive."""

from __future__ import annotations

from aiohttp import web

from cases.casefile import PetitionCase
from cases.organisations import get_organisation
from scheduling.notices.by_hand import finish_by_hand, open_notice
from scheduling.notices.outbox import list_outbox
from web.http.access import own_origin
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.views.outbox import outbox_row

PAGE_SIZE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """GET {}: what waits for a human first. Codes and links can be read in the demonstration only."""
    messenger, demo = request.app[MESSENGER], request.app[SETTINGS].demo
    envelope = messenger.secrets.envelope if demo else None
    async with request.app[DATABASE].session() as db:
        waiting = await list_outbox(db, request[ACTOR], envelope, PAGE_SIZE, for_a_human=True)
        lines = await list_outbox(db, request[ACTOR], envelope, PAGE_SIZE)
    context = {
        "nav": "outbox",
        "waiting": [outbox_row(line, to_do=True) for line in waiting],
        "rows": [outbox_row(line) for line in lines],
        "works": messenger.works,
    }
    return page(request, "outbox.html", context, title="发出的通知")


async def finish(request: web.Request) -> web.StreamResponse:
    """POST {done: yes or no, reason}: somebody called, or handed the slip over, or could not."""
    form, notice_id = Form(await request.post()), request.match_info["notice_id"]
    done = form.typed("done") == "yes"
    async with request.app[DATABASE].session() as db:
        actor, reason = request[ACTOR], form.typed("reason")
        await finish_by_hand(db, request.app[CLOCK], actor, notice_id, done, reason)
    return see_other("/outbox")


async def slip(request: web.Request) -> web.StreamResponse:
    """GET {notice_id}: the notice on paper, with the code that leads to the citizen's own page."""
    async with request.app[DATABASE].session() as db:
        notice = await open_notice(db, request[ACTOR], request.match_info["notice_id"])
        office = await get_organisation(db, notice.organisation_id)
        petition = await db.get(PetitionCase, notice.petition_id) if notice.petition_id else None
    context = {
        "nav": "outbox",
        "notice": notice,
        "office": office.name,
        "number": petition.number if petition else "",
        "name": petition.petitioner.name if petition else "",
        "url": f"{own_origin(request)}/progress",
    }
    return page(request, "slip.html", context, title="纸质通知单")
