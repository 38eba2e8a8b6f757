"""A message that arrived as the proof that a paper was delivered (送达): which way, when, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.errors import Invalid
from cases.handling.procedure import Service
from scheduling.notices.notice import CHANNEL_NAMES, Notice, NoticeChannel, NoticeEvent, NoticeState

SERVICES: Mapping[NoticeChannel, Service] = {
    NoticeChannel.SMS: Service.SMS,
    NoticeChannel.WECHAT: Service.ONLINE,
    NoticeChannel.TELEPHONE: Service.TELEPHONE,
    NoticeChannel.PAPER: Service.IN_PERSON,
}


@dataclass(frozen=True, slots=True)
class NoticeProof:
    """What a delivery is noted with: the way, the Beijing day, and the sentence that stands as its proof."""

    service: Service
    on: date
    words: str


async def proof_of(db: AsyncSession, document_id: str, notice_id: str) -> NoticeProof:
    """Of a message about this paper that left. Raises Invalid `not_sent` at `proof` for every other.

    The caller has asked the policy for the paper.
    """
    notice = await db.get(Notice, notice_id)
    query = select(NoticeEvent).where(NoticeEvent.notice_id == notice_id)
    last = (await db.scalars(query.order_by(NoticeEvent.sequence.desc()).limit(1))).first()
    if notice is None or last is None or notice.document_id != document_id or last.state != NoticeState.SENT:
        raise Invalid("not_sent", "这条通知没有送出，不能作为送达凭证。", "proof")
    at = last.at.astimezone(BEIJING)
    words = f"{CHANNEL_NAMES[notice.channel]}，{at:%Y-%m-%d %H:%M:%S} 送出，编号 {notice.id}"
    return NoticeProof(SERVICES[notice.channel], at.date(), words)
