"""The reception room of signed-in officials: page and ticket."""

from __future__ import annotations

from aiohttp import web

from cases.policy import Action, require
from scheduling.reach import scope_of_session
from scheduling.session import SessionKind
from scheduling.sessions.invitations import invitation_for_official
from scheduling.sessions.sessions import get_session
from web.boot import room_boot
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.pages.signin import see_other
from web.rendering import page
from web.views.cards import OPEN_STATES, offices_of, place_after


async def show(request: web.Request) -> web.StreamResponse:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        require(actor, Action.JOIN, await scope_of_session(db, session))
        if session.state not in OPEN_STATES:
            return see_other(f"/sessions/{session_id}")
        invitation = await invitation_for_official(db, request.app[CLOCK], actor, session_id)
        offices = (await offices_of(db, [session_id])).get(session_id, [])
    own = next((office.name for office in offices if office.id == invitation.organisation_id), "")
    boot = room_boot(request, session, str(invitation.role), f"/sessions/{session_id}/ticket")
    boot |= {"display_name": invitation.display_name, "organisation": own}
    context = {
        "nav": "board",
        "boot": boot,
        "code": "",
        "organisation_name": own,
        "session": {
            "id": session.id,
            "title": session.title,
            "organisations": [office.name for office in offices],
            "after": place_after(session),
            "mediation": session.kind is SessionKind.MEDIATION,
        },
    }
    return page(request, "room/console.html", context, title=session.title)


async def hall(request: web.Request) -> web.StreamResponse:
    """The window for the hall holds no seat and no ticket: the console that opened it lends its pictures."""
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        require(actor, Action.JOIN, await scope_of_session(db, session))
        offices = (await offices_of(db, [session_id])).get(session_id, [])
    names, mediates = [office.name for office in offices], session.kind is SessionKind.MEDIATION
    told = {"id": session.id, "title": session.title, "organisations": names, "mediation": mediates}
    context = {"session": told}
    return page(request, "room/hall.html", context, title=session.title)


async def ticket(request: web.Request) -> web.StreamResponse:
    session_id = request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        issued = await request.app[REGISTRY].issue_ticket(db, request[ACTOR], session_id)
    return web.json_response({"ticket": issued.ticket, "expires_in": issued.expires_in})
