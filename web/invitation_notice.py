"""The message that brings a personal link to the phone."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.arrival.identity import phone_of
from scheduling.invitation import Invitation
from scheduling.links import find_link
from scheduling.notices.queueing import about_session, add_notice
from scheduling.reach import load_session
from scheduling.sessions.telling import worded
from web.http.access import own_origin
from web.keys import CLOCK, SETTINGS
from web.language import in_chinese
from web.tending.messages import MESSENGER
from web.words import dated_time


def link_of(request: web.Request, invitation: Invitation, secret: str) -> str:
    return f"{own_origin(request)}/j/{invitation.code}#{secret}"


async def send_invitation(db: AsyncSession, request: web.Request, invitation: Invitation, url: str) -> bool:
    """Queue the message and commit; False when there is no mobile number to send it to."""
    phone, link = phone_of(invitation), await find_link(db, invitation.id)
    if phone is None or link is None:
        return False
    session = await load_session(db, invitation.session_id)
    with in_chinese():
        when = dated_time(session.starts_at)
    fields = {
        "office": session.host.name,
        "when": when,
        "link": url,
        "phone": request.app[SETTINGS].web.help_phone,
    }
    messenger = request.app[MESSENGER]
    envelope = messenger.secrets.envelope
    about, until = about_session(session), link.valid_until
    template = worded(session, "invitation")
    await add_notice(db, request.app[CLOCK], envelope, about, phone, template, fields, until)
    await db.commit()
    messenger.ring()
    return True
