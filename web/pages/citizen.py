"""Personal links: landing, exchange, notice and consent, the room, the ticket.

GET and HEAD change nothing here, so preview robots may open a link as often as they like.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import RuleError
from cases.policy import Actor
from cases.roles import INVITATION_ROLE_NAMES
from scheduling.arrival import decline_consent, record_consent
from scheduling.invitation import Invitation
from scheduling.links import exchange_link, find_link_actor
from scheduling.sessions import Session
from signaling.rights import is_official
from web.access import LINK_COOKIE, client_address, set_link_cookie
from web.boot import room_boot
from web.cards import offices_of
from web.errors import trouble
from web.figures import RATE_LIMITED
from web.keys import CLOCK, DATABASE, LIMITS, REGISTRY
from web.notice import current_notice
from web.pages.signin import see_other
from web.rendering import page
from web.words import clock_time, long_date

CODE_LENGTH, SECRET_LENGTH = 10, 200
PROBLEMS = frozenset(("link_invalid", "link_expired", "link_revoked", "link_early", "link_in_use"))


async def landing(request: web.Request) -> web.StreamResponse:
    """The first page of a link. Without the device's cookie it says nothing about anybody."""
    async with request.app[DATABASE].session() as db:
        found = await _holder(db, request)
        context = await _context(db, found) if found else _nobody(request)
    context["known"] = found is not None
    return page(request, "citizen/landing.html", context, title="接访邀请")


async def exchange(request: web.Request) -> web.StreamResponse:
    """POST {secret}: binds the link to this device, or says which problem page to show."""
    if not request.app[LIMITS].allow("exchange", client_address(request)):
        RATE_LIMITED.labels("exchange").inc()
        return trouble(request, 429)
    code, secret = _code(request), await _posted_secret(request)
    known = request.cookies.get(LINK_COOKIE, "")[:SECRET_LENGTH] or None
    try:
        async with request.app[DATABASE].session() as db:
            grant = await exchange_link(db, request.app[CLOCK], code, secret, known)
    except RuleError as error:
        problem = error.code if error.code in PROBLEMS else "link_invalid"
        body = {"error": {"code": problem, "message": error.message}}
        return web.json_response(body, status=403)
    response = web.json_response({"next": _next_page(code, grant.invitation)})
    set_link_cookie(request, response, code, grant.device_secret)
    return response


async def notice(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        if await _holder(db, request) is None:
            return _problem(request)
    return _notice_page(request, False)


async def consent(request: web.Request) -> web.StreamResponse:
    """Agree (the text's version and digest are kept with the time), or go to the page for the others."""
    code, data = _code(request), await request.post()
    if data.get("decision") == "decline":
        await _decline(request)
        return see_other(f"/j/{code}/declined")
    current = current_notice()
    if data.get("agree") != "yes":
        return _notice_page(request, True)
    if data.get("version") != current.version or data.get("digest", current.digest) != current.digest:
        return _notice_page(request, True)  # The text changed while it was being read.
    async with request.app[DATABASE].session() as db:
        found = await _holder(db, request)
        if found is None:
            return _problem(request)
        await record_consent(db, request.app[CLOCK], found[0], current.version, current.digest)
    return see_other(f"/j/{code}/room")


async def _decline(request: web.Request) -> None:
    async with request.app[DATABASE].session() as db:
        if found := await _holder(db, request):
            await decline_consent(db, request.app[CLOCK], found[0])


async def declined(request: web.Request) -> web.StreamResponse:
    return page(request, "citizen/declined.html", _nobody(request), title="您没有同意")


async def room(request: web.Request) -> web.StreamResponse:
    """The room document: the console for officials, the citizen's journey for everybody else."""
    async with request.app[DATABASE].session() as db:
        found = await _holder(db, request)
        if found is None:
            return _problem(request)
        _, invitation, session = found
        context = await _context(db, found)
    code = _code(request)
    official = is_official(str(invitation.role))
    if not official and invitation.consented_at is None:
        return see_other(f"/j/{code}/notice")
    boot = room_boot(request, session, str(invitation.role), f"/j/{code}/ticket")
    boot |= {"display_name": invitation.display_name, "organisation": context["organisation_name"]}
    context |= {"boot": boot}
    template = "room/console.html" if official else "citizen/room.html"
    return page(request, template, context, title=session.title if official else "视频接访")


async def ticket(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await _holder(db, request)
        if found is None:
            return web.json_response({"error": {"code": "link_invalid", "message": "链接已失效"}}, status=403)
        issued = await request.app[REGISTRY].issue_ticket(db, found[0])
    return web.json_response({"ticket": issued.ticket, "expires_in": issued.expires_in})


async def _holder(db: AsyncSession, request: web.Request) -> tuple[Actor, Invitation, Session] | None:
    """The person this device's cookie stands for, with invitation and session; None without a valid one."""
    device = request.cookies.get(LINK_COOKIE, "")
    if not device or len(device) > SECRET_LENGTH:
        return None
    actor = await find_link_actor(db, request.app[CLOCK], _code(request), device)
    if actor is None or actor.invitation_id is None:
        return None
    invitation = await db.get(Invitation, actor.invitation_id)
    session = await db.get(Session, invitation.session_id) if invitation else None
    return (actor, invitation, session) if invitation and session else None


async def _context(db: AsyncSession, found: tuple[Actor, Invitation, Session]) -> dict[str, Any]:
    _, invitation, session = found
    offices = (await offices_of(db, [session.id])).get(session.id, [])
    when = f"{long_date(session.starts_at)} {clock_time(session.starts_at)}"
    return {
        "code": invitation.code,
        "known": True,
        "error": False,
        "problem": "",
        "organisation_name": offices[0].name if offices else "",
        "invitation": {
            "display_name": invitation.display_name,
            "role_word": INVITATION_ROLE_NAMES[invitation.role],
        },
        "session": {
            "id": session.id,
            "title": session.title,
            "starts_at_words": when,
            "organisations": [office.name for office in offices],
        },
    }


def _nobody(request: web.Request) -> dict[str, Any]:
    return {
        "code": _code(request),
        "known": False,
        "error": False,
        "problem": "",
        "organisation_name": "",
        "invitation": None,
        "session": None,
    }


def _notice_page(request: web.Request, error: bool) -> web.Response:
    current = current_notice()
    given = {"notice_version": current.version, "notice_digest": current.digest, "error": error}
    status = 422 if error else 200
    return page(request, "citizen/notice.html", _nobody(request) | given, title="告知与同意", status=status)


def _problem(request: web.Request, problem: str = "link_invalid") -> web.Response:
    context = _nobody(request) | {"problem": problem}
    return page(request, "citizen/link_problem.html", context, title="链接打不开", status=403)


def _next_page(code: str, invitation: Invitation) -> str:
    agreed = is_official(str(invitation.role)) or invitation.consented_at is not None
    return f"/j/{code}/room" if agreed else f"/j/{code}/notice"


def _code(request: web.Request) -> str:
    return request.match_info["code"][:CODE_LENGTH]


async def _posted_secret(request: web.Request) -> str:
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        return ""
    secret = body.get("secret", "") if isinstance(body, dict) else ""
    return secret if isinstance(secret, str) and len(secret) <= SECRET_LENGTH else ""
