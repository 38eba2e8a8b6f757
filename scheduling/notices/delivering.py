"""Delivering: what is due goes to the gateway, again with longer pauses, and else the next way."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from scheduling.notices.gateway import Envelope, Gateway, GatewayError, Message
from scheduling.notices.notice import (
    BY_HAND,
    EXPIRED,
    MAX_REASON,
    Notice,
    NoticeAddress,
    NoticeDraft,
    NoticeState,
)
from scheduling.notices.steps import fall_back, finish, take_step

ATTEMPTS = 5
CLAIM = timedelta(seconds=60)  # So long a sender has one message to itself.
BACK_OFF = timedelta(seconds=10)  # Doubled after each failure.


async def deliver_notices(
    db: AsyncSession, clock: Clock, envelope: Envelope, gateway: Gateway | None, limit: int = 50
) -> int:
    """Send what is due, oldest first, committing each; returns how many left. Without a gateway they fail."""
    await _drop_expired(db, clock)
    due = select(NoticeDraft.notice_id, NoticeDraft.due_at).where(NoticeDraft.due_at <= clock.now())
    left = 0
    for notice_id, due_at in (await db.execute(due.order_by(NoticeDraft.due_at).limit(limit))).all():
        if due_at is not None and await _claim(db, clock, notice_id, due_at):
            left += await _deliver(db, clock, envelope, gateway, notice_id)
    return left


async def _claim(db: AsyncSession, clock: Clock, notice_id: str, due_at: datetime) -> bool:
    """Take one message for a minute unless another sender was faster."""
    same = (NoticeDraft.notice_id == notice_id) & (NoticeDraft.due_at == due_at)
    taken = update(NoticeDraft).where(same)
    taken = taken.values(due_at=clock.now() + CLAIM, attempts=NoticeDraft.attempts + 1)
    found = await db.scalar(taken.returning(NoticeDraft.notice_id))
    await db.commit()
    return found is not None


async def _deliver(
    db: AsyncSession, clock: Clock, envelope: Envelope, gateway: Gateway | None, notice_id: str
) -> int:
    notice = await db.get_one(Notice, notice_id)
    draft = await db.get_one(NoticeDraft, notice_id, populate_existing=True)
    address, text = await db.get(NoticeAddress, notice_id), envelope.open(draft.sealed)
    if gateway is None or text is None or address is None:
        reason = "密钥已更换，读不出原文" if text is None else "号码已按期限删除"
        reason = "没有接通短信网关" if gateway is None else reason
        await fall_back(db, clock, notice, draft)
        await finish(db, clock, draft, NoticeState.FAILED, reason)
        return 0
    try:
        await gateway.send(Message(notice.id, notice.channel, address.recipient, text))
    except GatewayError as error:
        if draft.attempts >= ATTEMPTS:
            await fall_back(db, clock, notice, draft)
            await finish(db, clock, draft, NoticeState.FAILED, str(error)[:MAX_REASON])
        else:
            await take_step(db, clock, notice.id, NoticeState.QUEUED, str(error)[:MAX_REASON])
            draft.due_at = clock.now() + BACK_OFF * 2 ** (draft.attempts - 1)
            await db.commit()
        return 0
    await finish(db, clock, draft, NoticeState.SENT, "", keep=gateway.keeps_text)
    return 1


async def _drop_expired(db: AsyncSession, clock: Clock) -> None:
    """A code nobody may use any more is not sent, and its text is not kept."""
    query = select(NoticeDraft, Notice.channel).join(Notice, Notice.id == NoticeDraft.notice_id)
    late = (await db.execute(query.where(NoticeDraft.expires_at <= clock.now()))).all()
    for draft, channel in late:  # Mostly none: looking must not write.
        if draft.due_at is not None or channel in BY_HAND:
            await finish(db, clock, draft, NoticeState.FAILED, EXPIRED)
        else:
            await db.delete(draft)
    if late:
        await db.commit()
