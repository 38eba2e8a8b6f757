"""What use cases need to tell citizens, and reminding them: of their sitting, of the court's door; units
and leaders of a reception day."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from scheduling.notices.court_reminder import remind_of_court
from scheduling.notices.day_reminders import remind_of_days
from scheduling.notices.notice import Notice
from scheduling.notices.telling import Telling
from scheduling.reach import load_session
from scheduling.rota.planning import plan_days
from scheduling.session import Session
from scheduling.sessions.moving import MOVABLE
from scheduling.sessions.telling import tell_citizens
from web.keys import CLOCK, DATABASE, SETTINGS
from web.language import in_chinese
from web.tending.messages import MESSENGER, Messenger
from web.words import dated_time

logger = logging.getLogger(__name__)
EVERY = 60.0  # Seconds between two looks at rota and reminders.
REMINDERS = ("session_reminder", "session_reminder_link", "mediation_reminder", "mediation_reminder_link")
AHEAD = timedelta(hours=24)
NOT_SOONER = timedelta(hours=2)  # Who was told so shortly before needs no reminder.


def telling_of(request: web.Request) -> Telling:
    """What use cases need to tell citizens of what this request does."""
    app = request.app
    return make_telling(app[MESSENGER], app[SETTINGS].web.help_phone)


def make_telling(messenger: Messenger, help_phone: str) -> Telling:
    """Notices are Chinese, whoever causes them."""

    def when(moment: datetime) -> str:
        with in_chinese():
            return dated_time(moment)

    return Telling(messenger.secrets.envelope, help_phone, when)


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
    count, telling = 0, make_telling(messenger, help_phone)
    for session_id in (await db.scalars(query.limit(200))).all():
        session = await load_session(db, session_id)
        count += await tell_citizens(db, clock, telling, session, "session_reminder", origin=origin)
        await db.commit()
    return count


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
                telling = make_telling(app[MESSENGER], given.help_phone)
                await remind_of_court(db, app[CLOCK], telling)
                await remind_of_days(db, app[CLOCK], telling)
        except Exception:  # noqa: BLE001 - the next round tries again; a database may be away for a while.
            logger.exception("The calendar could not be kept")
