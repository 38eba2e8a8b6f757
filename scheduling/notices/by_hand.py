"""Notices that somebody tells by telephone or hands over, and says so."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.notices.notice import BY_HAND, MAX_REASON, Notice, NoticeDraft, NoticeEvent, NoticeState
from scheduling.notices.steps import fall_back, finish, take_step

IN_PERSON = "已当面告知"


async def open_notice(db: AsyncSession, actor: Actor, notice_id: str) -> Notice:
    """The notice for whoever may see the outbox it lies in. Raises NotFound, Forbidden."""
    require(actor, Action.SEE_OUTBOX)
    notice = await db.get(Notice, notice_id)
    if notice is None or notice.organisation_id not in visible_organisation_ids(actor, Action.SEE_OUTBOX):
        raise NotFound("notice_not_found", "没有找到这条通知。")
    return notice


@atomic
async def finish_by_hand(
    db: AsyncSession, clock: Clock, actor: Actor, notice_id: str, done: bool, reason: str = ""
) -> Notice:
    """Somebody called or handed over the slip, or could not (then the next way is tried); commits.

    What no way could deliver can be told in person after all.

    Raises NotFound, Forbidden, Invalid at `reason`, Conflict `bad_transition` for what is done already.
    """
    notice = await open_notice(db, actor, notice_id)
    words = clean_text(reason, "reason", "原因", MAX_REASON)
    if done and await _is_lost(db, notice):
        return await _tell_after_all(db, clock, notice, words)
    if notice.channel not in BY_HAND:
        raise Conflict("sent_by_itself", "这条通知由系统发送，不用登记。")
    if not done and not words:
        raise Invalid("required", "没有办成的，请写明原因。", "reason")
    same = update(NoticeDraft).where(NoticeDraft.notice_id == notice_id)
    await db.execute(same.values(attempts=NoticeDraft.attempts + 1))  # Two who note it take turns.
    draft = await db.get(NoticeDraft, notice_id, populate_existing=True)
    if draft is None:
        raise Conflict("bad_transition", "这条通知已经有了结果。")
    if not done:
        await fall_back(db, clock, notice, draft)
    await finish(db, clock, draft, NoticeState.SENT if done else NoticeState.FAILED, words)
    return notice


async def _is_lost(db: AsyncSession, notice: Notice) -> bool:
    """Did it fail, and no other message goes on with it?"""
    last = select(NoticeEvent.state).where(NoticeEvent.notice_id == notice.id)
    state = await db.scalar(last.order_by(NoticeEvent.sequence.desc()).limit(1))
    after = await db.scalar(select(Notice.id).where(Notice.instead_of_id == notice.id).limit(1))
    return state is NoticeState.FAILED and after is None


async def _tell_after_all(db: AsyncSession, clock: Clock, notice: Notice, words: str) -> Notice:
    try:
        await take_step(db, clock, notice.id, NoticeState.SENT, words or IN_PERSON)
        await db.commit()
    except IntegrityError as error:  # Somebody else noted it at the same moment.
        raise Conflict("bad_transition", "这条通知已经有了结果。") from error
    return notice
