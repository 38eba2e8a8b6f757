"""The steps of a message: how it ends, and which way it goes next when it could not be delivered."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import new_id
from scheduling.notices.notice import (
    BY_HAND,
    FALLBACK,
    NO_FALLBACK,
    TRANSITIONS,
    Notice,
    NoticeAddress,
    NoticeDraft,
    NoticeEvent,
    NoticeState,
)
from scheduling.transitions import require_transition


def add_step(
    db: AsyncSession, clock: Clock, notice_id: str, sequence: int, state: NoticeState, reason: str = ""
) -> None:
    """Note one more step inside the caller's transaction."""
    step = NoticeEvent(notice_id=notice_id, sequence=sequence, state=state, at=clock.now(), reason=reason)
    db.add(step)


async def finish(
    db: AsyncSession, clock: Clock, draft: NoticeDraft, state: NoticeState, reason: str, keep: bool = False
) -> None:
    """End the message's way and commit. The draft goes unless `keep`. Raises Conflict `bad_transition`."""
    last = select(NoticeEvent).where(NoticeEvent.notice_id == draft.notice_id)
    step = (await db.scalars(last.order_by(NoticeEvent.sequence.desc()).limit(1))).one()
    require_transition(TRANSITIONS, step.state, state, "这条短信已经有了结果。")
    add_step(db, clock, draft.notice_id, step.sequence + 1, state, reason)
    if keep:
        draft.due_at = None
    else:
        await db.delete(draft)
    await db.commit()


async def fall_back(db: AsyncSession, clock: Clock, notice: Notice, draft: NoticeDraft) -> None:
    """What could not be delivered goes the next way, inside the caller's transaction."""
    channel = FALLBACK.get(notice.channel)
    if channel is None or notice.template in NO_FALLBACK or draft.expires_at <= clock.now():
        return
    again = Notice(
        id=new_id(), channel=channel, template=notice.template, template_version=notice.template_version,
        text=notice.text, session_id=notice.session_id, organisation_id=notice.organisation_id,
        queued_at=clock.now(),
    )  # fmt: skip
    db.add(again)
    await db.flush()
    address = await db.get(NoticeAddress, notice.id)
    if address is not None:
        db.add(NoticeAddress(notice_id=again.id, recipient=address.recipient))
    add_step(db, clock, again.id, 1, NoticeState.QUEUED)
    due_at = None if channel in BY_HAND else clock.now()
    values = {"sealed": draft.sealed, "due_at": due_at, "expires_at": draft.expires_at, "attempts": 0}
    db.add(NoticeDraft(notice_id=again.id, **values))
    await db.flush()
