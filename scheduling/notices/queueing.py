"""Queueing a message: the row, its sealed text and its first step, in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import new_id
from cases.errors import RuleError
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import BY_HAND, Notice, NoticeAddress, NoticeChannel, NoticeDraft, NoticeState
from scheduling.notices.steps import add_step
from scheduling.notices.texts import TEMPLATES
from scheduling.session import Session

MAX_WAITING = 10_000  # Drafts under way at once; more is a flood, and the next message is refused in words.


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about: ids. `organisation_id` is whose outbox it lies in."""

    organisation_id: str
    petition_id: str | None = None
    session_id: str | None = None
    booking_id: str | None = None
    document_id: str | None = None


def about_session(session: Session) -> About:
    """A message about a session: its host tells it."""
    return About(session.host_organisation_id, session.petition_id, session.id)


async def add_notice(
    db: AsyncSession, clock: Clock, envelope: Envelope, about: About, recipient: str, template: str,
    fields: Mapping[str, str], expires_at: datetime, channel: NoticeChannel = NoticeChannel.SMS,
) -> Notice:  # fmt: skip
    """Queue a message inside the caller's transaction.

    Raises RuleError `outbox_full`, never for what somebody tells by hand, and before anything is written.
    """
    waiting = select(func.count()).select_from(NoticeDraft).where(NoticeDraft.due_at.is_not(None))
    if channel not in BY_HAND and (await db.scalar(waiting) or 0) >= MAX_WAITING:
        raise RuleError("outbox_full", "现在短信太多，暂时发不出去。请过一会儿再试，或请工作人员核验。")
    whole, shown = TEMPLATES[template].fill(fields)
    notice = Notice(
        id=new_id(), channel=channel, template=template,
        template_version=TEMPLATES[template].version, text=shown, session_id=about.session_id,
        petition_id=about.petition_id, booking_id=about.booking_id, document_id=about.document_id,
        organisation_id=about.organisation_id, instead_of_id=None, queued_at=clock.now(),
    )  # fmt: skip
    db.add(notice)
    await db.flush()
    db.add(NoticeAddress(notice_id=notice.id, recipient=recipient))
    add_step(db, clock, notice.id, 1, NoticeState.QUEUED)
    due_at = None if channel in BY_HAND else clock.now()
    db.add(
        NoticeDraft(
            notice_id=notice.id, sealed=envelope.seal(whole), due_at=due_at, expires_at=expires_at, attempts=0
        )
    )  # fmt: skip
    await db.flush()
    return notice


def channel_for(phone: str) -> NoticeChannel:
    """Mobile numbers get a message, other numbers a call, and who has none a slip of paper."""
    if phone.startswith("1"):
        return NoticeChannel.SMS
    return NoticeChannel.TELEPHONE if phone else NoticeChannel.PAPER


async def count_sent_to(db: AsyncSession, recipient: str, template: str, since: datetime) -> int:
    """How many messages of this kind this phone was sent since then."""
    query = select(func.count()).select_from(Notice)
    query = query.join(NoticeAddress, NoticeAddress.notice_id == Notice.id)
    query = query.where(NoticeAddress.recipient == recipient)
    query = query.where(Notice.template == template, Notice.queued_at > since)
    return await db.scalar(query) or 0
