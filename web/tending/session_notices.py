"""Telling citizens what was arranged, moved or called off, and reminding them the day before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import repeat_link
from scheduling.notices.notice import Notice, NoticeChannel
from scheduling.notices.queueing import about_session, add_notice, channel_for
from scheduling.reach import load_session
from scheduling.rota.planning import plan_days
from scheduling.session import Session
from scheduling.sessions.invitations import list_invitations
from scheduling.sessions.moving import MOVABLE
from web.keys import CLOCK, DATABASE, SETTINGS
from web.language import in_chinese
from web.tending.messages import MESSENGER, Messenger
from web.views.link_pages import when_words

logger = logging.getLogger(__name__)
EVERY = 60.0  # Seconds between two looks at rota and reminders.
REMINDERS = ("session_reminder", "session_reminder_link")
TOLD = (InvitationRole.PETITIONER, InvitationRole.PROXY)
AHEAD = timedelta(hours=24)
NOT_SOONER = timedelta(hours=2)  # Who was told so shortly before needs no reminder.
AFTER = timedelta(days=1)  # A notice of a cancelled sitting is still worth telling a day later.


async def tell_citizens(
    db: AsyncSession, request: web.Request, session: Session, template: str, reason: str = ""
) -> int:
    """Queue the notice for each citizen of the session and commit; returns how many.

    By message where there is a mobile number, else as a telephone task, else as a slip of paper.
    """
    phone = request.app[SETTINGS].web.help_phone
    messenger = request.app[MESSENGER]
    told = await _queue(db, request.app[CLOCK], messenger, session, template, phone, reason)
    await db.commit()
    messenger.ring()
    return told


async def remind_citizens(
    db: AsyncSession, clock: Clock, messenger: Messenger, help_phone: str, origin: str = ""
) -> int:
    """Remind of each sitting that begins within a day, once; commits each. Returns how many.

    `origin`: where the pages are; with it a message brings the personal link along.
    """
    now = clock.now()
    reminded = select(Notice.session_id).where(Notice.template.in_(REMINDERS))
    query = select(Session.id).where(
        Session.starts_at > now + NOT_SOONER,
        Session.starts_at <= now + AHEAD,
        Session.created_at <= now - NOT_SOONER,
        Session.state.in_(sorted(MOVABLE)),
        Session.id.not_in(reminded.where(Notice.queued_at > now - AHEAD)),
    )
    count = 0
    for session_id in (await db.scalars(query.limit(200))).all():
        session = await load_session(db, session_id)
        count += await _queue(db, clock, messenger, session, "session_reminder", help_phone, origin=origin)
        await db.commit()
    return count


async def _queue(
    db: AsyncSession, clock: Clock, messenger: Messenger, session: Session, template: str, help_phone: str,
    reason: str = "", origin: str = "",
) -> int:  # fmt: skip
    with in_chinese():
        when = when_words(session.starts_at, clock.now())
    told, about = 0, about_session(session)
    for invitation in await list_invitations(db, session.id):
        if invitation.role not in TOLD or invitation.revoked_at is not None:
            continue
        number = (invitation.person.phone if invitation.person else None) or ""
        envelope, expires_at = messenger.secrets.envelope, max(session.ends_at, clock.now() + AFTER)
        channel = channel_for(number)
        fields = {"office": session.host.name, "when": when, "phone": help_phone, "what": reason}
        kind = template
        if origin and template == "session_reminder" and channel is NoticeChannel.SMS:
            secret = await repeat_link(db, clock, SYSTEM, invitation.id)
            kind, fields["link"] = "session_reminder_link", f"{origin}/j/{invitation.code}#{secret}"
        await add_notice(db, clock, envelope, about, number, kind, fields, expires_at, channel)
        told += 1
    return told


async def keeping(app: web.Application) -> AsyncIterator[None]:
    """Given: database, clock, messenger. Owned: the task that plans the rota and reminds, ended with it."""
    task = asyncio.create_task(_keep_on(app))
    yield
    task.cancel()
    await asyncio.wait({task})


async def _keep_on(app: web.Application) -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            async with app[DATABASE].session() as db:
                await plan_days(db, app[CLOCK])
                given = app[SETTINGS].web
                origin = given.public_url.rstrip("/")
                await remind_citizens(db, app[CLOCK], app[MESSENGER], given.help_phone, origin)
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("The calendar could not be kept")
