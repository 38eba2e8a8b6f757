"""Messages about a matter that belong to no session: rows of an outbox until the gateway took them over.

They answer what came by SMS or WeChat, or tell a code, so their text is sealed, and gone when it has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.notices.delivering import ATTEMPTS, BACK_OFF, CLAIM
from scheduling.notices.gateway import Envelope, Gateway, GatewayError, Message
from scheduling.notices.notice import MAX_REASON, NoticeChannel, NoticeState

ANSWER = "progress"


class Reply(Base):
    """One message. `sealed` is None once it left; `due_at` is None when nothing is to be done any more.

    `template` names what it tells (scheduling/notices/texts.py); after `expires_at` it is not sent.
    """

    __tablename__ = "replies"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    channel: Mapped[NoticeChannel]
    recipient: Mapped[str | None] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    sealed: Mapped[str | None] = mapped_column(String(8000))
    state: Mapped[NoticeState]
    reason: Mapped[str] = mapped_column(String(800), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    template: Mapped[str] = mapped_column(String(32), default=ANSWER)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)


def add_reply(
    db: AsyncSession, clock: Clock, envelope: Envelope, channel: NoticeChannel, recipient: str,
    organisation_id: str, text: str, template: str = ANSWER, expires_at: datetime | None = None,
) -> Reply:  # fmt: skip
    """Queue a message inside the caller's transaction."""
    reply = Reply(
        id=new_id(), channel=channel, recipient=recipient, organisation_id=organisation_id,
        sealed=envelope.seal(text), state=NoticeState.QUEUED, reason="", attempts=0, queued_at=clock.now(),
        due_at=clock.now(), template=template, expires_at=expires_at,
    )  # fmt: skip
    db.add(reply)
    return reply


async def deliver_replies(
    db: AsyncSession, clock: Clock, envelope: Envelope, gateway: Gateway | None, limit: int = 50
) -> int:
    """Send what is due, oldest first, committing each; returns how many left."""
    due = select(Reply.id, Reply.due_at).where(Reply.due_at <= clock.now()).order_by(Reply.due_at)
    left = 0
    for reply_id, due_at in (await db.execute(due.limit(limit))).all():
        claim = update(Reply).where(Reply.id == reply_id, Reply.due_at == due_at)
        claim = claim.values(due_at=clock.now() + CLAIM, attempts=Reply.attempts + 1)
        taken = await db.scalar(claim.returning(Reply.id))
        await db.commit()
        if taken is not None:
            reply = await db.get_one(Reply, reply_id, populate_existing=True)
            left += await _send(clock, envelope, gateway, reply)
            await db.commit()
    return left


async def list_replies(db: AsyncSession, actor: Actor, limit: int = 50) -> Sequence[Reply]:
    """Answers of the actor's own organisations, newest first."""
    require(actor, Action.SEE_OUTBOX)
    own = Reply.organisation_id.in_(visible_organisation_ids(actor, Action.SEE_OUTBOX))
    query = select(Reply).where(own).order_by(Reply.queued_at.desc(), Reply.id)
    return (await db.scalars(query.limit(min(limit, 200)))).all()


async def _send(clock: Clock, envelope: Envelope, gateway: Gateway | None, reply: Reply) -> int:
    if reply.expires_at is not None and reply.expires_at <= clock.now():
        _end(reply, NoticeState.FAILED, "过了有效期还没有发出")
        return 0
    text = envelope.open(reply.sealed or "")
    if gateway is None or text is None or reply.recipient is None:
        _end(reply, NoticeState.FAILED, "没有接通短信网关" if gateway is None else "密钥已更换，读不出原文")
        return 0
    try:
        await gateway.send(Message(reply.id, reply.channel, reply.recipient, text))
    except GatewayError as error:
        if reply.attempts >= ATTEMPTS:
            _end(reply, NoticeState.FAILED, str(error)[:MAX_REASON])
        else:
            reply.due_at = clock.now() + BACK_OFF * 2 ** (reply.attempts - 1)
        return 0
    _end(reply, NoticeState.SENT)
    return 1


def _end(reply: Reply, state: NoticeState, reason: str = "") -> None:
    reply.state, reply.reason, reply.due_at, reply.sealed = state, reason, None, None
    if state is NoticeState.SENT:
        reply.recipient = None
