"""The steps of a message: how it ends, and which way it goes next when it could not be delivered."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import new_id
from scheduling.notices.notice import (
    BY_HAND,
    FALLBACK,
    FORGOTTEN_AT_ONCE,
    NO_FALLBACK,
    OF_RECEPTION_DAYS,
    TRANSITIONS,
    Notice,
    NoticeAddress,
    NoticeChannel,
    NoticeDraft,
    NoticeEvent,
    NoticeState,
)
from scheduling.notices.texts import spoken
from scheduling.transitions import require_transition


def add_step(
    db: AsyncSession, clock: Clock, notice_id: str, sequence: int, state: NoticeState, reason: str = ""
) -> None:
    """Note one more step inside the caller's transaction."""
    step = NoticeEvent(notice_id=notice_id, sequence=sequence, state=state, at=clock.now(), reason=reason)
    db.add(step)


async def take_step(
    db: AsyncSession, clock: Clock, notice_id: str, state: NoticeState, reason: str = ""
) -> None:
    """Note the next step if the table permits it. Raises Conflict `bad_transition`."""
    last = select(NoticeEvent).where(NoticeEvent.notice_id == notice_id)
    step = (await db.scalars(last.order_by(NoticeEvent.sequence.desc()).limit(1))).one()
    require_transition(TRANSITIONS, step.state, state, "这条短信已经有了结果。")
    add_step(db, clock, notice_id, step.sequence + 1, state, reason)


async def finish(
    db: AsyncSession, clock: Clock, draft: NoticeDraft, state: NoticeState, reason: str, keep: bool = False
) -> None:
    """End the message's way and commit. The draft goes unless `keep`. Raises Conflict `bad_transition`."""
    await take_step(db, clock, draft.notice_id, state, reason)
    if keep:
        draft.due_at = None
    else:
        await db.delete(draft)
    notice = await db.get_one(Notice, draft.notice_id)
    if notice.template in FORGOTTEN_AT_ONCE and state is NoticeState.SENT:
        address = await db.get(NoticeAddress, notice.id)
        if address is not None:
            await db.delete(address)
    await db.commit()


async def fall_back(db: AsyncSession, clock: Clock, notice: Notice, draft: NoticeDraft) -> None:
    """What could not be delivered goes the next way, inside the caller's transaction."""
    channel = FALLBACK.get(notice.channel)
    if channel is None or notice.template in NO_FALLBACK or draft.expires_at <= clock.now():
        return
    if notice.petition_id is None and notice.session_id is None and notice.template not in OF_RECEPTION_DAYS:
        return  # Whoever wrote without a number that fits is nobody whom we could call.
    address = await db.get(NoticeAddress, notice.id)
    recipient = address.recipient if address is not None else ""
    if notice.channel is NoticeChannel.WECHAT and notice.petition_id is not None:
        petition = await db.get_one(PetitionCase, notice.petition_id)
        recipient = petition.petitioner.phone or ""
        channel = channel if recipient else NoticeChannel.PAPER
    text = spoken(notice.template, notice.text) if channel in BY_HAND else notice.text
    again = Notice(
        id=new_id(), channel=channel, template=notice.template, template_version=notice.template_version,
        text=text, session_id=notice.session_id, petition_id=notice.petition_id,
        booking_id=notice.booking_id, document_id=notice.document_id, instead_of_id=notice.id,
        organisation_id=notice.organisation_id, queued_at=clock.now(),
    )  # fmt: skip
    db.add(again)
    await db.flush()
    if recipient:
        db.add(NoticeAddress(notice_id=again.id, recipient=recipient))
    add_step(db, clock, again.id, 1, NoticeState.QUEUED)
    due_at = None if channel in BY_HAND else clock.now()
    values = {"sealed": draft.sealed, "due_at": due_at, "expires_at": draft.expires_at, "attempts": 0}
    db.add(NoticeDraft(notice_id=again.id, **values))
    await db.flush()
