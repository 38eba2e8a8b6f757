"""来访手续: what officials see and do at the door. Whatever a citizen cannot do on the phone is done here."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid
from cases.policy import Action, allowed
from scheduling.arrival.consent import RELATION_NAMES, record_consent_for
from scheduling.arrival.device_check import newest_checks
from scheduling.arrival.identity import BY_STAFF, HOW_NAMES, How, confirm_by_official, needs_identity
from scheduling.invitation import Invitation
from scheduling.links import issue_link
from scheduling.reach import scope_of_session
from scheduling.requests.call_back import (
    CALL_RESULT_NAMES,
    CALL_STATE_NAMES,
    CallState,
    CallStep,
    record_call,
    state_of,
    steps_of,
)
from scheduling.requests.citizen_requests import (
    ASKED_NAMES,
    Asked,
    CitizenRequest,
    RequestState,
    answer_request,
    end_identity_wishes,
    list_open_requests,
    list_requests,
)
from scheduling.sessions.invitations import list_invitations
from scheduling.sessions.sessions import get_session
from signaling.rights import is_official
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.invitation_notice import link_of, send_invitation
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY, SETTINGS
from web.notice import current_notice
from web.pages.signin import see_other
from web.rendering import page
from web.views.device_words import device_line

WAYS = {str(how): HOW_NAMES[how] for how in (How.ROOM, How.STATION, How.PHONE) if how in BY_STAFF}


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def attest(request: web.Request) -> web.StreamResponse:
    """An official confirms who somebody is, or that he agreed aloud to the notice."""
    form = Form(await request.post())
    invitation_id, words = request.match_info["invitation_id"], form.typed("words")
    clock, actor = request.app[CLOCK], request[ACTOR]
    async with request.app[DATABASE].session() as db:
        await _invitation_of(db, request)
        try:
            if form.typed("act") == "consent":
                notice = current_notice()
                await record_consent_for(
                    db, clock, actor, invitation_id, notice.version, notice.digest, words
                )
            else:
                how = form.choice("how", WAYS, "请选择核验的方式")
                if how:
                    await confirm_by_official(db, clock, actor, invitation_id, How(how), words)
                    await end_identity_wishes(db, clock, invitation_id, actor.name)
        except (Invalid, Conflict) as error:
            form.fail(error.field or "how", error.message)
    if form.errors:
        return await _page(request, form, 422)
    return see_other(_address(request))


async def answer(request: web.Request) -> web.StreamResponse:
    """Grant or refuse what a citizen asked for; a new link is sent at once."""
    form, actor = Form(await request.post()), request[ACTOR]
    granted = form.typed("decision") == "grant"
    async with request.app[DATABASE].session() as db:
        try:
            done = await answer_request(
                db,
                request.app[CLOCK],
                actor,
                request.match_info["request_id"],
                granted,
                form.typed("answer"),
                request.app[SETTINGS].reception.unrecorded,
            )
            if granted and done.asked is Asked.NEW_LINK:
                await _send_link(db, request, done.invitation)
        except (Invalid, Conflict) as error:
            form.fail(error.field or "answer", error.message)
    if form.errors:
        return await _page(request, form, 422)
    if granted and done.asked is Asked.OTHER_DEVICE:
        await request.app[REGISTRY].device_released(done.session_id, done.invitation_id)
    return see_other(_address(request))


async def record_the_call(request: web.Request) -> web.StreamResponse:
    """An official called somebody who asked for it, and writes down what came of it."""
    form = Form(await request.post())
    async with request.app[DATABASE].session() as db:
        try:
            await record_call(
                db,
                request.app[CLOCK],
                request[ACTOR],
                request.match_info["request_id"],
                form.typed("state"),
                form.typed("result"),
                form.typed("words"),
            )
        except (Invalid, Conflict) as error:
            form.fail(error.field or "state", error.message)
    if form.errors:
        return await _page(request, form, 422)
    return see_other(_address(request))


async def requests(request: web.Request) -> web.StreamResponse:
    """Open requests of citizens, oldest first."""
    async with request.app[DATABASE].session() as db:
        found = await list_open_requests(db, request[ACTOR])
        rows = [_request(one) | {"session_id": one.session_id} for one in found]
    return page(request, "citizen_requests.html", {"nav": "requests", "rows": rows}, title="群众的请求")


async def _send_link(db: AsyncSession, request: web.Request, invitation: Invitation) -> None:
    secret = await issue_link(db, request.app[CLOCK], request[ACTOR], invitation.id)
    url = link_of(request, invitation, secret)
    await send_invitation(db, request, invitation, url)
    keep_once(request, f"link:{invitation.session_id}", {"name": invitation.display_name, "url": url})


async def _invitation_of(db: AsyncSession, request: web.Request) -> Invitation:
    session = await get_session(db, request[ACTOR], request.match_info["session_id"])
    invitation = await db.get(Invitation, request.match_info["invitation_id"])
    if invitation is None or invitation.session_id != session.id:
        raise web.HTTPNotFound
    return invitation


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, request.match_info["session_id"])
        scope = await scope_of_session(db, session)
        asked = await list_requests(db, session.id)
        calls = await steps_of(db, [one.id for one in asked])
        people = await list_invitations(db, session.id)
        checks = await newest_checks(db, [session.id])
        context = {
            "nav": "board",
            "session": session,
            "people": [
                _person(one, request.app[SETTINGS].reception.identity)
                | {"device": device_line(checks.get(one.id))}
                for one in people
                if not is_official(str(one.role)) and one.revoked_at is None
            ],
            "open_requests": [
                _request(one) | _calls(calls.get(one.id, []))
                for one in asked
                if one.state is RequestState.OPEN
            ],
            "answered": [
                _request(one) | _calls(calls.get(one.id, []))
                for one in asked
                if one.state is not RequestState.OPEN
            ],
            "call_results": CALL_RESULT_NAMES,
            "may_receive": allowed(actor, Action.RECEIVE, scope),
            "issued": take_once(request, f"link:{session.id}"),
            "form": form,
            "ways": WAYS,
            "unrecorded_allowed": request.app[SETTINGS].reception.unrecorded,
        }
    title = "错误：来访手续" if form.errors else f"来访手续：{session.title}"
    return page(request, "arrivals.html", context, title=title, status=status)


def _person(invitation: Invitation, asked: bool) -> dict[str, Any]:
    told = invitation.companions or {}
    how = invitation.identified_how
    return {
        "id": invitation.id,
        "name": invitation.display_name,
        "role": invitation.role,
        "identified_at": invitation.identified_at,
        "how": HOW_NAMES[How(how)] if how else "",
        "needs_identity": asked and needs_identity(invitation),
        "id_number": invitation.person.id_number_masked if invitation.person else None,
        "consented_at": invitation.consented_at,
        "people": told.get("people"),
        "relations": [RELATION_NAMES[one] for one in told.get("with", [])],
    }


def _request(request: CitizenRequest) -> dict[str, Any]:
    return {
        "id": request.id,
        "asked": request.asked,
        "words": ASKED_NAMES[request.asked],
        "name": request.invitation.display_name,
        "phone": request.invitation.person.phone if request.invitation.person else None,
        "at": request.created_at,
        "state": request.state,
        "answer": request.answer,
        "answered_by": request.answered_by,
    }


def _calls(steps: list[CallStep]) -> dict[str, Any]:
    """How a call-back stands and each call that was made."""
    return {
        "call_state": CALL_STATE_NAMES[state_of(steps)],
        "may_give_up": state_of(steps) is CallState.UNANSWERED,
        "calls": [
            {
                "at": step.at,
                "by": step.by,
                "said": CALL_STATE_NAMES[step.state]
                + (f"：{CALL_RESULT_NAMES[step.result]}" if step.result else ""),
                "words": step.words,
            }
            for step in steps
        ],
    }


def _address(request: web.Request) -> str:
    return f"/sessions/{request.match_info['session_id']}/arrivals"
