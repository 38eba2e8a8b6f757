"""Personal links: landing, exchange, notice and consent, the room, the ticket.

GET and HEAD change nothing here, so preview robots may open a link as often as they like.
"""

from __future__ import annotations

import json

from aiohttp import web

from cases.errors import RuleError
from cases.roles import InvitationRole
from scheduling.arrival.consent import PurposeConsent, decline_consent, record_consent
from scheduling.links import DEFAULT_RULES, LinkGrant, exchange_link, find_issued, find_link_holder
from scheduling.reach import load_session
from scheduling.requests.citizen_requests import Asked, RequestState, add_request, ask, find_request
from signaling.rights import is_official
from web.boot import room_boot
from web.figures import RATE_LIMITED
from web.http.access import LINK_COOKIE, client_address, set_link_cookie
from web.http.errors import trouble
from web.keys import CLOCK, DATABASE, LIMITS, REGISTRY, SETTINGS
from web.notice import OWN_MATTER, current_notice, purposes_for
from web.pages.device_check import call_of
from web.pages.identity import send_first_code
from web.pages.signin import see_other
from web.rendering import listed, page
from web.views.cards import offices_of
from web.views.link_pages import (
    MOVED,
    MOVED_WORDS,
    SECRET_LENGTH,
    code_of,
    context_of,
    find_holder,
    next_page,
    nobody,
    problem_page,
    role_word,
    when_words,
)

OTHERWISE = frozenset({Asked.CALL_BACK, Asked.UNRECORDED})
HELP = {"link_in_use": Asked.OTHER_DEVICE}
GONE = "链接已失效"
PROBLEMS = frozenset(("link_invalid", "link_expired", "link_revoked", "link_early", "link_in_use"))


async def landing(request: web.Request) -> web.StreamResponse:
    """The first page of a link. Without the device's cookie it says nothing about anybody."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        context = await context_of(db, request, found) if found else nobody(request)
    context["known"] = found is not None
    # Whoever this device is known to be need not be asked again, nor told twice who receives them.
    context["next"] = next_page(request, found[1], found[2]) if found else ""
    context["room_script"] = (
        "js/room/console.js" if found and is_official(str(found[1].role)) else "js/citizen/room.js"
    )
    return page(request, "citizen/landing.html", context, title="接访邀请")


async def exchange(request: web.Request) -> web.StreamResponse:
    """POST {secret}: binds the link to this device, or says which problem page to show."""
    if not request.app[LIMITS].allow("exchange", client_address(request)):
        RATE_LIMITED.labels("exchange").inc()
        return trouble(request, 429)
    code, secret = code_of(request), _secret_of(await read_json(request))
    known = request.cookies.get(LINK_COOKIE, "")[:SECRET_LENGTH] or None
    try:
        grant, where = await open_link(request, code, secret, known)
    except RuleError as error:
        return link_problem(error)
    response = web.json_response({"next": where})
    set_link_cookie(request, response, code, grant.device_secret)
    return response


async def open_link(
    request: web.Request, code: str, secret: str, known: str | None = None
) -> tuple[LinkGrant, str]:
    """Bind a link to this device; what it holds, and its first page. Raises RuleError `link_…`."""
    async with request.app[DATABASE].session() as db:
        grant = await exchange_link(db, request.app[CLOCK], code, secret, known)
        holder = await find_link_holder(db, request.app[CLOCK], code, grant.device_secret)
        session = holder[2] if holder else await load_session(db, grant.invitation.session_id)
        if holder is not None and request.app[SETTINGS].reception.identity:
            await send_first_code(request, db, holder)
        return grant, next_page(request, grant.invitation, session)


def link_problem(error: RuleError) -> web.Response:
    """Why a link does not open, for the module that shows it."""
    problem = error.code if error.code in PROBLEMS else "link_invalid"
    return web.json_response({"error": {"code": problem, "message": error.message}}, status=403)


async def look(request: web.Request) -> web.StreamResponse:
    """POST {secret}: who receives its holder and when, and what was answered to a wish for another device.

    For the landing page. Binds and changes nothing.
    """
    if not request.app[LIMITS].allow("look", client_address(request)):
        RATE_LIMITED.labels("look").inc()
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        invitation = await find_issued(db, code_of(request), _secret_of(await read_json(request)))
        if invitation is None or invitation.revoked_at is not None:
            return _no_link()
        session = await load_session(db, invitation.session_id)
        offices = (await offices_of(db, [session.id])).get(session.id, [])
        asked = await find_request(db, invitation.id, Asked.OTHER_DEVICE)
    now = request.app[CLOCK].now()
    told = {
        "offices": listed(office.name for office in offices),
        "when": when_words(session.starts_at, now),
        "early": session.starts_at - now > DEFAULT_RULES.before,
        "mediation": session.mediation_id is not None,
        "role": role_word(invitation),
        "other_device": {"state": str(asked.state), "answer": asked.answer} if asked else None,
    }
    return web.json_response(told)


async def ask_for_help(request: web.Request) -> web.StreamResponse:
    """POST {secret, problem} from a link that does not open: the staff is asked for help."""
    if not request.app[LIMITS].allow("exchange", client_address(request)):
        RATE_LIMITED.labels("exchange").inc()
        return trouble(request, 429)
    body = await read_json(request)
    asked = HELP.get(str(body.get("problem")), Asked.NEW_LINK)
    async with request.app[DATABASE].session() as db:
        invitation = await find_issued(db, code_of(request), _secret_of(body))
        if invitation is None or invitation.revoked_at is not None:
            return _no_link()
        await add_request(db, request.app[CLOCK], invitation, asked)
        await db.commit()
    return web.json_response({"asked": True})


async def notice(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        where = next_page(request, found[1], found[2])
    if where.endswith(("/identity", "/idnumber", "/mediation")):
        return see_other(where)
    return _notice_page(request, found[1].role, False)


async def consent(request: web.Request) -> web.StreamResponse:
    """Agree (the text's version and digest are kept with the time), or go to the page for the others."""
    code, data = code_of(request), await request.post()
    if data.get("decision") == "decline":
        await _decline(request)
        return see_other(f"/j/{code}/declined")
    current = current_notice()
    same = data.get("version") == current.version and data.get("digest", current.digest) == current.digest
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        role = found[1].role
        if data.get("decision") != "agree" or not same:  # The text changed while it was being read.
            return _notice_page(request, role, True)
        others = tuple(
            PurposeConsent(one.name, one.version, one.digest, data.get(f"purpose_{one.name}") == "yes")
            for one in purposes_for(role)
        )
        await record_consent(db, request.app[CLOCK], found[0], current.version, current.digest, others)
        where = next_page(request, found[1], found[2])
    return see_other(where)


async def _decline(request: web.Request) -> None:
    async with request.app[DATABASE].session() as db:
        if found := await find_holder(db, request):
            await decline_consent(db, request.app[CLOCK], found[0])


async def declined(request: web.Request) -> web.StreamResponse:
    """Phone, the hall, a call back, and, where the operator allows it, a reception without recording."""
    asked: set[str] = set()
    call = None
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is not None:
            for kind in (Asked.CALL_BACK, Asked.UNRECORDED):
                made = await find_request(db, found[1].id, kind)
                asked |= {str(kind)} if made and made.state is RequestState.OPEN else set()
            call = await call_of(db, found[1].id)
    context = nobody(request) | {
        "known": found is not None,
        "asked": asked,
        "call": call,
        "unrecorded": request.app[SETTINGS].reception.unrecorded and found is not None and found[2].record,
        "enter": found is not None and not found[2].record,
        "mediation": found is not None and found[2].mediation_id is not None,
    }
    return page(request, "citizen/declined.html", context, title="您没有同意")


async def ask_otherwise(request: web.Request) -> web.StreamResponse:
    """From the page of those who did not agree: call me back, or receive me without recording."""
    wanted = str((await request.post()).get("asked", ""))
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if wanted in OTHERWISE:
            await ask(db, request.app[CLOCK], found[0], Asked(wanted))
    return see_other(f"/j/{code_of(request)}/declined")


async def room(request: web.Request) -> web.StreamResponse:
    """The room document: the console for officials, the citizen's journey for everybody else."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        _, invitation, session = found
        context = await context_of(db, request, found)
    code = code_of(request)
    official = is_official(str(invitation.role))
    if (where := next_page(request, invitation, session)) != f"/j/{code}/room":
        return see_other(where)
    boot = room_boot(request, session, str(invitation.role), f"/j/{code}/ticket")
    boot |= {"display_name": invitation.display_name, "organisation": context["organisation_name"]}
    context |= {"boot": boot}
    template = "room/console.html" if official else "citizen/room.html"
    return page(request, template, context, title=session.title if official else "视频接访")


async def ticket(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return _no_link(MOVED_WORDS if request.get(MOVED) else GONE)
        if not next_page(request, found[1], found[2]).endswith(("/room", "/notice", "/mediation")):
            body = {"code": "identity_needed", "message": "请先核验身份"}
            return web.json_response({"error": body}, status=422)
        issued = await request.app[REGISTRY].issue_ticket(db, found[0])
    return web.json_response({"ticket": issued.ticket, "expires_in": issued.expires_in})


def _notice_page(request: web.Request, role: InvitationRole, error: bool) -> web.Response:
    current = current_notice()
    given = {
        "notice_version": current.version,
        "notice_digest": current.digest,
        "error": error,
        "purposes": purposes_for(role),
        "own_matter": role in OWN_MATTER,
    }
    status = 422 if error else 200
    return page(request, "citizen/notice.html", nobody(request) | given, title="告知与同意", status=status)


def _no_link(words: str = GONE) -> web.Response:
    return web.json_response({"error": {"code": "link_invalid", "message": words}}, status=403)


async def read_json(request: web.Request) -> dict[str, object]:
    """The body as an object; empty for anything else."""
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _secret_of(body: dict[str, object]) -> str:
    secret = body.get("secret", "")
    return secret if isinstance(secret, str) and len(secret) <= SECRET_LENGTH else ""
