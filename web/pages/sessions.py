"""One session for officials: who takes part, links, what happened, cancelling."""

from __future__ import annotations

from datetime import timedelta
from itertools import compress
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid
from cases.fields import clean_name, clean_text
from cases.policy import Action, allowed, require
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from recordings.recording import list_recordings_of_session
from scheduling.arrival.device_check import newest_checks
from scheduling.incidents.incidents import list_incidents
from scheduling.invitation import Invitation
from scheduling.links import find_link, issue_link, revoke_link
from scheduling.materials.showing import worth_a_line
from scheduling.reach import scope_of_session
from scheduling.rota.receiver import receivers_of
from scheduling.session import SESSION_KIND_NAMES, Session, SessionState
from scheduling.session_events import list_events
from scheduling.sessions import invitations
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.moving import MOVABLE, MoveSession, reschedule_session
from scheduling.sessions.sessions import get_session, move_session
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.invitation_notice import link_of, send_invitation
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY
from web.language import say_error
from web.pages.incidents import tasks_of
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.cards import OPEN_STATES, may_join, offices_of, recording_card
from web.views.device_words import device_line
from web.views.slots import free_slots, slots_by_day
from web.views.time_proposals import proposal_card
from web.words import date_time

WAITED = timedelta(minutes=15)  # So long a citizen who is late is waited for.
# Fields of what an office does that only sits beside the host (web/pages/time_proposals.py).
OF_OTHERS = ("other_", "words-")
INVITABLE = {
    str(role): INVITATION_ROLE_NAMES[role]
    for role in (
        InvitationRole.PETITIONER,
        InvitationRole.PROXY,
        InvitationRole.COMPANION,
        InvitationRole.INTERPRETER,
        InvitationRole.MEDIATOR,
        InvitationRole.THIRD_PARTY,
        InvitationRole.OBSERVER,
    )
}
# Who the parties are stands in the mediation.
INVITABLE_TO_MEDIATION = {code: name for code, name in INVITABLE.items() if code != InvitationRole.PETITIONER}


async def show(request: web.Request) -> web.StreamResponse:
    return await session_page(request, Form())


async def invite(request: web.Request) -> web.StreamResponse:
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    role = form.choice("role", INVITABLE, "请选择身份")
    invitee = Invitee(
        role=InvitationRole(role or "observer"),
        name=form.take("name", clean_name),
        phone=form.phone("phone", optional=True),
    )
    if form.errors:
        return await session_page(request, form, 422)
    async with request.app[DATABASE].session() as db:
        try:
            await invitations.invite(db, request.app[CLOCK], request[ACTOR], session_id, invitee)
        except (Invalid, Conflict) as error:
            form.fail(error.field if error.field in ("role", "name", "phone") else "role", error.message)
    if form.errors:
        return await session_page(request, form, 422)
    return see_other(f"/sessions/{session_id}")


async def issue(request: web.Request) -> web.StreamResponse:
    session_id, invitation_id = request.match_info["session_id"], request.match_info["invitation_id"]
    async with request.app[DATABASE].session() as db:
        invitation = await _invitation_of(db, request, session_id, invitation_id)
        secret = await issue_link(db, request.app[CLOCK], request[ACTOR], invitation_id)
        url = link_of(request, invitation, secret)
        sent = await send_invitation(db, request, invitation, url)
    told = {"name": invitation.display_name, "url": url, "sent": sent}
    keep_once(request, f"link:{session_id}", told)
    return see_other(f"/sessions/{session_id}")


async def revoke(request: web.Request) -> web.StreamResponse:
    session_id, invitation_id = request.match_info["session_id"], request.match_info["invitation_id"]
    async with request.app[DATABASE].session() as db:
        await _invitation_of(db, request, session_id, invitation_id)
        await revoke_link(db, request.app[CLOCK], request[ACTOR], invitation_id)
    return see_other(f"/sessions/{session_id}")


async def cancel(request: web.Request) -> web.StreamResponse:
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    reason = form.take("reason", lambda typed: clean_text(typed, "reason", "原因", 200))
    if not reason:
        form.fail("reason", "请填写取消的原因")
    if form.errors:
        return await session_page(request, form, 422)
    async with request.app[DATABASE].session() as db:
        clock, actor, telling = request.app[CLOCK], request[ACTOR], telling_of(request)
        await move_session(db, clock, actor, session_id, SessionState.CANCELLED, reason, telling)
    request.app[MESSENGER].ring()
    await request.app[REGISTRY].session_moved(session_id)
    return see_other(f"/sessions/{session_id}")


async def miss(request: web.Request) -> web.StreamResponse:
    """POST {}: the citizen did not come; it is told, and another date can be made."""
    session_id = request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        clock, actor, telling = request.app[CLOCK], request[ACTOR], telling_of(request)
        await move_session(db, clock, actor, session_id, SessionState.NO_SHOW, telling=telling)
    request.app[MESSENGER].ring()
    await request.app[REGISTRY].session_moved(session_id)
    return see_other(f"/sessions/{session_id}")


async def reschedule(request: web.Request) -> web.StreamResponse:
    """POST {slot} or {day, time}, {why}: the same session at another time; citizens are told."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    form.values["why"], slot = form.typed("why")[:1000], form.typed("slot")[:64]
    form.values["slot"] = slot
    starts_at = None if slot else form.moment("day", "time", request.app[CLOCK].now())
    if form.errors:
        return await session_page(request, form, 422)
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, request[ACTOR], session_id)
        ends_at = starts_at + (session.ends_at - session.starts_at) if starts_at else None
        command = MoveSession(session_id, form.value("why"), slot or None, starts_at, ends_at)
        try:
            clock, actor, telling = request.app[CLOCK], request[ACTOR], telling_of(request)
            await reschedule_session(db, clock, actor, command, telling)
            request.app[MESSENGER].ring()
        except (Invalid, Conflict) as error:
            names = {"reason": "why", "slot_id": "slot", "ends_at": "time"}
            form.fail(names.get(error.field or "", "day"), say_error(error.code, error.message))
    if form.errors:
        return await session_page(request, form, 422)
    await request.app[REGISTRY].session_moved(session_id)
    return see_other(f"/sessions/{session_id}")


async def _offered(db: AsyncSession, request: web.Request, session: Session) -> dict[str, dict[str, str]]:
    found = await free_slots(db, request, session.host_organisation_id)
    return slots_by_day(found, await receivers_of(db, found))


async def _invitation_of(
    db: AsyncSession, request: web.Request, session_id: str, invitation_id: str
) -> Invitation:
    """The invitation, which must belong to the session of the address."""
    await get_session(db, request[ACTOR], session_id)
    invitation = await db.get(Invitation, invitation_id)
    if invitation is None or invitation.session_id != session_id:
        raise web.HTTPNotFound
    return invitation


async def session_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        scope = await scope_of_session(db, session)
        if form.errors and not any(name.startswith(OF_OTHERS) for name in form.errors):
            # Who may not do it is told so, and not what was typed wrongly.
            require(actor, Action.MANAGE_SESSION, scope)
        offices = (await offices_of(db, [session.id])).get(session.id, [])
        checks = await newest_checks(db, [session.id])
        events = await list_events(db, session.id)
        people = await invitations.list_invitations(db, session.id)
        context = {
            "nav": "board",
            "session": session,
            "petition": session.petition if allowed(actor, Action.SEE_PETITION, scope) else None,
            "people": [
                await _person(db, i) | {"device": device_line(checks.get(i.id)) if i.id in checks else None}
                for i in people
            ],
            "names": {each.id: each.display_name for each in people},
            "events": list(compress(events, worth_a_line((each.kind, each.data) for each in events))),
            "tasks": tasks_of(
                await list_incidents(db, session.id),
                allowed(actor, Action.JOIN, scope) or allowed(actor, Action.RECEIVE, scope),
            ),
            "kind": SESSION_KIND_NAMES[session.kind],
            "host": next((o.name for o in offices if o.id == session.host_organisation_id), "—"),
            "joint": [o.name for o in offices if o.id != session.host_organisation_id],
            "recordings": [
                recording_card(item, allowed(actor, Action.REPLAY, scope))
                for item in await list_recordings_of_session(db, actor, session.id)
            ],
            "may_read_minutes": allowed(actor, Action.SEE_MINUTES, scope),
            "may_see_materials": allowed(actor, Action.SEE_MATERIALS, scope),
            "may_join": await may_join(db, actor, session),
            "may_issue": session.state in OPEN_STATES and allowed(actor, Action.ISSUE_LINK, scope),
            "may_manage": allowed(actor, Action.MANAGE_SESSION, scope),
            "movable": session.state in MOVABLE and session.opened_at is None,
            "slots": await _offered(db, request, session) if session.petition_id else {},
            "open": session.state in OPEN_STATES,
            "missable": session.state in MOVABLE
            and session.opened_at is None
            and request.app[CLOCK].now() >= session.starts_at + WAITED
            and allowed(actor, Action.HOST, scope),
            "proposals": await proposal_card(
                db, actor, session, allowed(actor, Action.MANAGE_SESSION, scope)
            ),
            "again": session.state in (SessionState.NO_SHOW, SessionState.TECHNICAL_FAILED)
            and allowed(actor, Action.MANAGE_SESSION, scope),
            "issued": take_once(request, f"link:{session.id}"),
            "form": form,
            "invitable": INVITABLE if session.petition_id else INVITABLE_TO_MEDIATION,
        }
    title = f"错误：{session.title}" if form.errors else session.title
    return page(request, "session.html", context, title=title, status=status)


async def _person(db: AsyncSession, invitation: Invitation) -> dict[str, Any]:
    link = await find_link(db, invitation.id)
    notes = [invitation.organisation.name] if invitation.organisation else []
    if invitation.revoked_at:
        notes.append("已撤回")
    if invitation.consented_at:
        notes.append(f"{date_time(invitation.consented_at)} 已同意告知")
    if link is not None:
        notes.append(
            "链接已在一台设备打开" if link.bound_at else f"链接已发出，{date_time(link.valid_from)} 起可用"
        )
    return {
        "id": invitation.id,
        "name": invitation.display_name,
        "role": invitation.role,
        "note": " · ".join(notes) or "还没有链接",
        "has_link": link is not None,
        "linkable": invitation.revoked_at is None,
    }
