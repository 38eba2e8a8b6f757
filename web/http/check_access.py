"""Who checks devices: the device that holds the link, or, before it opens, whoever has its secret.

The link binds itself to a device only when the reception is near. Days before, its secret buys a cookie that
is good for the pages below `/check` and for nothing else, so that a phone can be tried without being bound.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Actor, ActorKind
from scheduling.invitation import Invitation
from scheduling.session import Session
from web.http.access import keep_cookie, keyed
from web.keys import CLOCK
from web.views.link_pages import OVER_FOR_CITIZENS, Holder, code_of, find_holder

CHECK_COOKIE = "lx_check"
PURPOSE = "check"
GOOD_FOR = timedelta(hours=2)
LONGEST = 200


def set_check_cookie(request: web.Request, response: web.StreamResponse, invitation: Invitation) -> None:
    """Let this device check itself for two hours in the name of the invitation."""
    until = request.app[CLOCK].now() + GOOD_FOR
    value = _sign(request, invitation.id, int(until.timestamp()))
    seconds, path = int(GOOD_FOR.total_seconds()), f"/j/{invitation.code}/check"
    keep_cookie(request, response, CHECK_COOKIE, value, seconds=seconds, path=path)


async def find_checker(db: AsyncSession, request: web.Request) -> Holder | None:
    """The person whose devices are checked, with invitation and session; None without a right to it."""
    found = await find_holder(db, request)
    if found is not None:
        return found
    invitation_id = _read(request, request.cookies.get(CHECK_COOKIE, ""), request.app[CLOCK].now())
    invitation = await db.get(Invitation, invitation_id) if invitation_id else None
    if invitation is None or invitation.code != code_of(request) or invitation.revoked_at is not None:
        return None
    session = await db.get(Session, invitation.session_id)
    if session is None or session.state in OVER_FOR_CITIZENS:
        return None
    actor = Actor(
        kind=ActorKind.INVITEE, name=invitation.display_name, official_id=invitation.official_id,
        invitation_id=invitation.id, session_id=session.id, invitation_role=invitation.role,
    )  # fmt: skip
    return actor, invitation, session


def _sign(request: web.Request, invitation_id: str, until: int) -> str:
    text = f"{invitation_id}.{until}"
    return f"{text}.{keyed(request, PURPOSE, text)}"


def _read(request: web.Request, cookie: str, now: datetime) -> str:
    """The invitation that a cookie of ours names, empty for any other and for one that is too old."""
    text, _, given = cookie[:LONGEST].rpartition(".")
    invitation_id, _, until = text.partition(".")
    if not given.isascii() or not hmac.compare_digest(given, keyed(request, PURPOSE, text)):
        return ""
    return invitation_id if now.timestamp() < int(until) else ""
