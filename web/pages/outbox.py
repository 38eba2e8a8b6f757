"""发出的通知: what citizens were told, each attempt, and what somebody must do where it did not arrive."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cases.casefile import PetitionCase
from cases.cursor import Cursor, read_cursor, spelled
from cases.fields import clean
from cases.organisations import get_organisation
from scheduling.notices.by_hand import finish_by_hand, open_notice
from scheduling.notices.notice import CHANNEL_NAMES, NoticeChannel, NoticeState
from scheduling.notices.outbox import OutboxLine, OutboxQuery, list_outbox
from web.http.access import own_origin
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.views.outbox import outbox_row
from web.words import NOTICE_STATES

LIST = "/outbox"
PAGE_SIZE = 50
# More of them at once are no list of things to do but a wall; who does these finds the next ones here.
MOST_TO_DO = 10
FIELDS = ("number", "channel", "state")
CHANNELS = {str(channel): name for channel, name in CHANNEL_NAMES.items()}
STATES = {state: word for state, (word, _, _) in NOTICE_STATES.items()}


async def show(request: web.Request) -> web.StreamResponse:
    """GET {number, channel, state, before}: what waits for a human first, where nothing was asked for.

    Codes and links can be read in the demonstration only.
    """
    messenger, demo = request.app[MESSENGER], request.app[SETTINGS].demo
    envelope = messenger.secrets.envelope if demo else None
    form, before = Form(request.query), read_cursor(request.query.get("before", ""))
    query, actor = _query(form), request[ACTOR]
    asked = {name: form.value(name) for name in FIELDS if form.value(name)}
    waiting: Sequence[OutboxLine] = ()
    async with request.app[DATABASE].session() as db:
        if not asked and before is None:
            waiting = await list_outbox(db, actor, envelope, MOST_TO_DO + 1, for_a_human=True)
        lines = await list_outbox(db, actor, envelope, PAGE_SIZE + 1, query=query, before=before)
    last = lines[PAGE_SIZE - 1].notice if len(lines) > PAGE_SIZE else None
    older = Cursor(last.queued_at, last.id) if last else None
    context = {
        "nav": "outbox",
        "form": form,
        "asked": asked,
        "channels": CHANNELS,
        "states": STATES,
        "waiting": [outbox_row(line, to_do=True) for line in waiting[:MOST_TO_DO]],
        "more_waiting": len(waiting) > MOST_TO_DO,
        "rows": [outbox_row(line) for line in lines[:PAGE_SIZE]],
        "works": messenger.works,
        "beside": onward(LIST, asked, before is not None, "before", spelled(older)),
    }
    return page(request, "outbox.html", context, title="发出的通知")


def _query(form: Form) -> OutboxQuery:
    """What was asked for; a way or a state that does not exist is none."""
    for name, options in (("channel", CHANNELS), ("state", STATES)):
        form.values[name] = form.typed(name) if form.typed(name) in options else ""
    form.values["number"] = clean(form.typed("number"))[:32]
    channel, state = form.value("channel"), form.value("state")
    way, stands = NoticeChannel(channel) if channel else None, NoticeState(state) if state else None
    return OutboxQuery(way, stands, form.value("number"))


async def finish(request: web.Request) -> web.StreamResponse:
    """POST {done: yes or no, reason}: somebody called, or handed the slip over, or could not."""
    form, notice_id = Form(await request.post()), request.match_info["notice_id"]
    done = form.typed("done") == "yes"
    async with request.app[DATABASE].session() as db:
        actor, reason = request[ACTOR], form.typed("reason")
        await finish_by_hand(db, request.app[CLOCK], actor, notice_id, done, reason)
    return see_other(LIST)


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
