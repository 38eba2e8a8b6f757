"""What the pages of a personal link share: whose they are, what they show, where to go next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.policy import Actor
from cases.roles import INVITATION_ROLE_NAMES
from scheduling.arrival.consent import must_consent
from scheduling.arrival.identity import needs_id_number, needs_identity
from scheduling.invitation import Invitation
from scheduling.links import find_link_holder, has_moved, why_closed
from scheduling.session import Session, SessionKind, SessionState
from signaling.rights import is_official
from web.http.access import LINK_COOKIE
from web.keys import CLOCK, SETTINGS
from web.language import ENGLISH, current_language, say
from web.notice import OWN_MATTER
from web.rendering import page
from web.views.cards import offices_of
from web.words import dated_time, spoken_time

CODE_LENGTH, SECRET_LENGTH = 10, 200
DAY_WORDS = ("今天", "明天", "后天")
OVER_FOR_CITIZENS = frozenset({SessionState.CLOSED, SessionState.ARCHIVED})

# Of a request that found no holder: whether its device was one before another was let in.
MOVED = web.RequestKey("moved", bool)
# Of one whose device holds a link that does not open any more: why.
CLOSED = web.RequestKey("closed", str)
MOVED_WORDS = "您已经换到另一台设备，请在那台设备上继续。要换回来，请告诉工作人员。"

Holder = tuple[Actor, Invitation, Session]


def code_of(request: web.Request) -> str:
    return request.match_info["code"][:CODE_LENGTH]


async def find_holder(db: AsyncSession, request: web.Request) -> Holder | None:
    """The person this device's cookie stands for, with invitation and session; None without a valid one."""
    device = request.cookies.get(LINK_COOKIE, "")
    if not device or len(device) > SECRET_LENGTH:
        return None
    found = await find_link_holder(db, request.app[CLOCK], code_of(request), device)
    if found is None:
        request[MOVED] = await has_moved(db, code_of(request), device)
        request[CLOSED] = await why_closed(db, request.app[CLOCK], code_of(request), device) or ""
    return found


async def context_of(db: AsyncSession, request: web.Request, found: Holder) -> dict[str, Any]:
    _, invitation, session = found
    offices = (await offices_of(db, [session.id])).get(session.id, [])
    now = request.app[CLOCK].now()
    return {
        "code": invitation.code,
        "known": True,
        "error": False,
        "problem": "",
        "organisation_name": offices[0].name if offices else "",
        "invitation": {
            "display_name": invitation.display_name,
            "role_word": role_word(invitation),
        },
        "session": {
            "id": session.id,
            "title": session.title,
            "when_words": when_words(session.starts_at, now),
            "organisations": [office.name for office in offices],
            "early": session.starts_at - now > timedelta(minutes=30),
            "over": session.state in OVER_FOR_CITIZENS,
            "recorded": session.record,
            "mediation": session.kind is SessionKind.MEDIATION,
            "caseless": session.mediation_id is not None,
        },
    }


def role_word(invitation: Invitation) -> str:
    """As what somebody is asked to come; empty for whoever comes in a matter of the own."""
    return "" if invitation.role in OWN_MATTER else say(INVITATION_ROLE_NAMES[invitation.role])


def nobody(request: web.Request) -> dict[str, Any]:
    """The context of a page that says nothing about anybody."""
    return {
        "code": code_of(request),
        "known": False,
        "error": False,
        "problem": "",
        "organisation_name": "",
        "invitation": None,
        "session": None,
    }


def problem_page(request: web.Request) -> web.Response:
    """Why the link opens nothing, as far as this device may know."""
    problem = "link_moved" if request.get(MOVED) else request.get(CLOSED) or "link_invalid"
    if problem == "mediation_off":
        context = nobody(request) | {"off": True}
        return page(request, "citizen/mediation_consent.html", context, title="视频调解不进行了", status=403)
    context = nobody(request) | {"problem": problem}
    return page(request, "citizen/link_problem.html", context, title="链接打不开", status=403)


def next_page(request: web.Request, invitation: Invitation, session: Session) -> str:
    """The first page of the journey that is not done yet: who, consent, room; after the end the receipt."""
    base = f"/j/{invitation.code}"
    if is_official(str(invitation.role)):
        return f"{base}/room"
    asked = request.app[SETTINGS].reception.identity
    if asked and needs_identity(invitation):
        return f"{base}/identity"
    if asked and needs_id_number(invitation, session.id_number_needed):
        return f"{base}/idnumber"
    if session.state in OVER_FOR_CITIZENS:
        return f"{base}/receipt"
    if may_enter(invitation, session):
        return f"{base}/room"
    return f"{base}/mediation" if session.mediation_id is not None else f"{base}/notice"


def may_enter(invitation: Invitation, session: Session) -> bool:
    """Whether consent is there, or none is needed: nothing is recorded, and the person is no party."""
    return invitation.consented_at is not None or not must_consent(invitation, session)


def when_words(moment: datetime, now: datetime) -> str:
    """`今天上午 9:30`, `2026年11月25日 星期三 下午 2:30`: as people say it, on pages that are read now."""
    days = (moment.astimezone(BEIJING).date() - now.astimezone(BEIJING).date()).days
    if not 0 <= days < len(DAY_WORDS):
        return dated_time(moment)
    day = say(DAY_WORDS[days])
    if current_language() == ENGLISH:
        return f"{day.capitalize()}, {spoken_time(moment)}"
    return f"{day}{spoken_time(moment)}"
