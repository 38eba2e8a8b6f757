"""The outbox: what was told to whom on which way, how it stands, for the offices that told it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import Notice, NoticeAddress, NoticeDraft, NoticeEvent, NoticeState


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """A message as the outbox page shows it; `whole` is the full text where it may still be read.

    `recipient` is empty once the number was forgotten.
    """

    notice: Notice
    recipient: str = field(repr=False)
    state: NoticeState
    at: datetime
    reason: str
    whole: str | None = field(repr=False)


async def list_outbox(
    db: AsyncSession, actor: Actor, envelope: Envelope | None = None, limit: int = 50, offset: int = 0
) -> Sequence[OutboxLine]:
    """Messages of the actor's own organisations, newest first; full texts only with `envelope`."""
    require(actor, Action.SEE_OUTBOX)
    newest = select(func.max(NoticeEvent.sequence)).where(NoticeEvent.notice_id == Notice.id)
    last = newest.correlate(Notice).scalar_subquery()
    query = (
        select(Notice, NoticeAddress.recipient, NoticeEvent, NoticeDraft)
        .join(NoticeEvent, (NoticeEvent.notice_id == Notice.id) & (NoticeEvent.sequence == last))
        .outerjoin(NoticeAddress, NoticeAddress.notice_id == Notice.id)
        .outerjoin(NoticeDraft, NoticeDraft.notice_id == Notice.id)
        .where(Notice.organisation_id.in_(visible_organisation_ids(actor, Action.SEE_OUTBOX)))
        .order_by(Notice.queued_at.desc(), Notice.id)
    )
    rows = (await db.execute(query.limit(min(limit, 200)).offset(offset))).all()
    return [
        OutboxLine(
            notice, recipient or "", step.state, step.at, step.reason,
            envelope.open(draft.sealed) if envelope is not None and draft is not None else None,
        )
        for notice, recipient, step, draft in rows
    ]  # fmt: skip
