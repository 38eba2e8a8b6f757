"""Bringing in a department, lawyer, mediator, psychologist or interpreter while the sitting runs."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid
from cases.fields import clean_name, clean_text
from cases.organisations import list_organisations
from cases.policy import Action, allowed, require
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from scheduling.invitation import Invitation
from scheduling.links import issue_link
from scheduling.reach import scope_of_session
from scheduling.sessions import invitations
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import get_session
from scheduling.sessions.third_party_invitations import invite_third_party, list_invitable
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.invitation_notice import link_of, send_invitation
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say
from web.pages.signin import see_other
from web.rendering import page
from web.views.cards import OPEN_STATES
from web.views.mediation import THIRD_PARTY_KINDS

# As what somebody comes, in the words of everybody's screen. Their rights are those of the role.
KINDS = {
    "department": ("责任单位", InvitationRole.DEPARTMENT),
    "lawyer": ("律师", InvitationRole.THIRD_PARTY),
    "mediator": (INVITATION_ROLE_NAMES[InvitationRole.MEDIATOR], InvitationRole.MEDIATOR),
    "psychologist": ("心理咨询师", InvitationRole.THIRD_PARTY),
    "interpreter": ("翻译", InvitationRole.INTERPRETER),
}
CHOICES = {kind: word for kind, (word, _) in KINDS.items()}
OFFICE_LIMIT = 30


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def bring(request: web.Request) -> web.StreamResponse:
    """Invite, make the link, queue the message; the link is shown once."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        invitee = _invitee(form, await _offices(db))
        if form.errors:
            return await _page(request, form, 422)
        try:
            invitation = await invitations.invite(db, request.app[CLOCK], request[ACTOR], session_id, invitee)
        except (Invalid, Conflict) as error:
            fields = {"organisation_id": "organisation"}
            form.fail(fields.get(error.field or "", error.field or "kind"), error.message)
            await db.rollback()
            return await _page(request, form, 422)
        await _hand_over(request, db, invitation)
    return see_other(f"/sessions/{session_id}/guests")


async def bring_registered(request: web.Request) -> web.StreamResponse:
    """POST {third_party_id}: one of the register is invited; the link is shown once."""
    form, session_id = Form(await request.post()), request.match_info["session_id"]
    form.values["third_party_id"] = chosen = form.typed("third_party_id")[:32]
    async with request.app[DATABASE].session() as db:
        try:
            if not chosen:
                raise Invalid("choose", "请选择一项。", "third_party_id")
            clock, actor = request.app[CLOCK], request[ACTOR]
            invitation = await invite_third_party(db, clock, actor, session_id, chosen)
        except (Invalid, Conflict) as error:
            form.refuse(error, "third_party_id")
            return await _page(request, form, 422)
        await _hand_over(request, db, invitation)
    return see_other(f"/sessions/{session_id}/guests")


async def _hand_over(request: web.Request, db: AsyncSession, invitation: Invitation) -> None:
    """Make the link and queue the message; the page that follows shows the link once."""
    secret = await issue_link(db, request.app[CLOCK], request[ACTOR], invitation.id)
    url = link_of(request, invitation, secret)
    sent = await send_invitation(db, request, invitation, url)
    told = {"name": invitation.display_name, "url": url, "sent": sent}
    keep_once(request, f"guest:{invitation.session_id}", told)


def _invitee(form: Form, offices: dict[str, str]) -> Invitee:
    kind = form.choice("kind", CHOICES, "请选择请谁加入")
    name = form.take("name", clean_name)
    office = form.take("office", lambda typed: clean_text(typed, "office", "所在单位", OFFICE_LIMIT))
    phone = form.phone("phone", optional=True)
    word, role = KINDS[kind or "lawyer"]
    if role is InvitationRole.DEPARTMENT:
        organisation = form.choice("organisation", offices, "请选择责任单位")
        return Invitee(role, name, phone, organisation_id=organisation or None)
    # Everybody reads from their name as what they are here.
    return Invitee(role, f"{name}（{'，'.join(part for part in (word, office) if part)}）", phone)


async def _offices(db: AsyncSession) -> dict[str, str]:
    return {each.id: each.name for each in await list_organisations(db)}


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor, session_id = request[ACTOR], request.match_info["session_id"]
    async with request.app[DATABASE].session() as db:
        session = await get_session(db, actor, session_id)
        scope = await scope_of_session(db, session)
        if form.errors:  # Who may not do it is told so, and not what was typed wrongly.
            require(actor, Action.MANAGE_SESSION, scope)
        may = allowed(actor, Action.MANAGE_SESSION, scope)
        context = {
            "nav": "board",
            "session": session,
            "form": form,
            "kinds": CHOICES,
            "offices": await _offices(db),
            "registered": {
                each.id: f"{each.name}（{say(THIRD_PARTY_KINDS[each.kind])}，{each.employer}）"
                for each in (await list_invitable(db, request.app[CLOCK], actor, session) if may else ())
            },
            "may_bring": may and session.state in OPEN_STATES,
            "issued": take_once(request, f"guest:{session_id}"),
        }
    title = "错误：请人加入" if form.errors else "请人加入"
    return page(request, "guests.html", context, title=title, status=status)
