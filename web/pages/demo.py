"""The demonstration: four parties of today's ready session side by side in one browser (demo mode only)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, NotFound
from cases.organisations import TIER_NAMES
from cases.policy import Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.arrival.consent import record_consent
from scheduling.invitation import Invitation
from scheduling.session import Session
from signaling.rights import is_official
from web.boot import room_boot
from web.demo.day import find_latest_session, find_ready_session, invited, ready_session
from web.http.access import form_token
from web.keys import CLOCK, DATABASE, FRAMING, REGISTRY
from web.notice import current_notice
from web.rendering import page

PARTIES = 4


async def show(request: web.Request) -> web.StreamResponse:
    request[FRAMING] = "parent"
    async with request.app[DATABASE].session() as db:
        # Only who the four are is shown here; looking must not make the next session.
        invitations = await _invited(db, await find_latest_session(db))
    parties = [_party(number, invitation) for number, invitation in enumerate(invitations, 1)]
    boot = {"open_url": "/demo/open", "csrf_token": form_token(request)}
    return page(request, "demo/index.html", {"parties": parties, "boot": boot}, title="演示")


async def open_parties(request: web.Request) -> web.StreamResponse:
    """Have a session that can begin: the one there is, or the next."""
    async with request.app[DATABASE].session() as db:
        await _invited(db, await find_latest_session(db))
        await ready_session(db, request.app[CLOCK])
    return web.json_response({})


async def party(request: web.Request) -> web.StreamResponse:
    """One party's real room page with a synthetic camera."""
    request[FRAMING] = "child"
    number = _number(request.match_info["number"])
    async with request.app[DATABASE].session() as db:
        session, invitations = await _parties(db, request)
    invitation = invitations[number - 1]
    office = invitation.organisation.name if invitation.organisation else ""
    boot = room_boot(request, session, str(invitation.role), f"/demo/party/{number}/ticket")
    boot |= {
        "display_name": invitation.display_name,
        "organisation": office,
        "camera": "synthetic",
        "automatic": True,
        "index": number - 1,
        "listen": number == 2,
    }
    context = {
        "boot": boot,
        "actor": None,
        "code": "",
        "party": _party(number, invitation),
        "organisation_name": office or session.host.name,
        "session": {
            "id": session.id,
            "title": session.title,
            "organisations": [part.organisation.name for part in session.organisations],
        },
    }
    return page(request, "demo/party.html", context, title=invitation.display_name)


async def ticket(request: web.Request) -> web.StreamResponse:
    """A ticket for the party's seat; in the demonstration nobody has to read the notice first."""
    number, clock = _number(request.match_info["number"]), request.app[CLOCK]
    async with request.app[DATABASE].session() as db:
        _, invitations = await _parties(db, request)
        invitation = invitations[number - 1]
        actor = _holder(invitation)
        if not is_official(str(invitation.role)) and invitation.consented_at is None:
            notice = current_notice()
            await record_consent(db, clock, actor, notice.version, notice.digest)
        issued = await request.app[REGISTRY].issue_ticket(db, actor)
    return web.json_response({"ticket": issued.ticket, "expires_in": issued.expires_in})


async def find_party(db: AsyncSession, request: web.Request) -> tuple[Actor, Session]:
    """Whose window asks, by the `party` of the address. Raises 404, Conflict."""
    place = _number(request.match_info["party"]) - 1
    session, invitations = await _parties(db, request)
    return _holder(invitations[place]), session


def _holder(invitation: Invitation) -> Actor:
    return Actor(
        kind=ActorKind.INVITEE,
        name=invitation.display_name,
        official_id=invitation.official_id,
        invitation_id=invitation.id,
        session_id=invitation.session_id,
        invitation_role=invitation.role,
    )


async def _parties(db: AsyncSession, request: web.Request) -> tuple[Session, Sequence[Invitation]]:
    """The ready session and its four parties, the citizen first, then by tier from below."""
    session = await find_ready_session(db, request.app[CLOCK])
    if session is None:
        raise Conflict("demo_over", "这场演示已经结束。请回到演示页，再点「打开四方」。")
    return session, await _invited(db, session)


async def _invited(db: AsyncSession, session: Session | None) -> Sequence[Invitation]:
    """Raises NotFound in a house whose rows are its own: only `lianxin demo` makes the four."""
    found = await invited(db, session.id) if session is not None else []
    if len(found) < PARTIES:
        raise NotFound("demo_missing", "这里没有准备好的演示。")
    return found[:PARTIES]


def _party(number: int, invitation: Invitation) -> dict[str, Any]:
    citizen = invitation.role is InvitationRole.PETITIONER
    return {
        "number": number,
        "label": "信访人" if citizen or invitation.tier is None else TIER_NAMES[invitation.tier],
        "name": invitation.display_name,
        "office": invitation.organisation.short_name if invitation.organisation else "",
        "citizen": citizen,
        "host": invitation.role is InvitationRole.HOST,
    }


def _number(typed: str) -> int:
    if typed not in ("1", "2", "3", "4"):
        raise web.HTTPNotFound
    return int(typed)
