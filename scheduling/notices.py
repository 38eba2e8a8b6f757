"""The outbox: every message to a citizen is a row before it leaves, and each step of its way is one more.

Rows are only ever added. What a message says in secret (a code, a link) stands in its draft alone, sealed,
and the draft is gone when the message has left or nobody may use it any more. The telephone number stands in
a row of its own and goes when the link has served (scheduling/forgetting.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound, RuleError
from cases.fields import clean_text
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.notice_texts import TEMPLATES
from scheduling.session import Session
from scheduling.transitions import require_transition

MAX_WAITING = 10_000  # Drafts under way at once; more is a flood, and the next message is refused in words.
ATTEMPTS = 5
CLAIM = timedelta(seconds=60)  # So long a sender has one message to itself.
BACK_OFF = timedelta(seconds=10)  # Doubled after each failure.
MAX_REASON = 200


class NoticeChannel(StrEnum):
    """How a message travels."""

    SMS = "sms"
    WECHAT = "wechat"
    TELEPHONE = "telephone"
    PAPER = "paper"


CHANNEL_NAMES: Mapping[NoticeChannel, str] = {
    NoticeChannel.SMS: "短信",
    NoticeChannel.WECHAT: "微信",
    NoticeChannel.TELEPHONE: "电话告知",
    NoticeChannel.PAPER: "纸质通知单",
}
# Somebody does it by hand and says when it is done; no gateway carries it.
BY_HAND = frozenset({NoticeChannel.TELEPHONE, NoticeChannel.PAPER})
# Where a message goes that could not be delivered; who has a telephone is called in the end.
FALLBACK: Mapping[NoticeChannel, NoticeChannel] = {
    NoticeChannel.SMS: NoticeChannel.TELEPHONE,
    NoticeChannel.WECHAT: NoticeChannel.SMS,
    NoticeChannel.TELEPHONE: NoticeChannel.PAPER,
}
# A code of ten minutes is of no use by any other way.
NO_FALLBACK = frozenset({"identity_code", "invitation"})


class NoticeState(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


TRANSITIONS: Mapping[NoticeState, frozenset[NoticeState]] = {
    NoticeState.QUEUED: frozenset({NoticeState.SENT, NoticeState.FAILED}),
    NoticeState.SENT: frozenset(),
    NoticeState.FAILED: frozenset(),
}


@append_only
class Notice(Base):
    """One message. `text` is what it says without its secrets."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    channel: Mapped[NoticeChannel]
    template: Mapped[str] = mapped_column(String(32))
    template_version: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(String(2000))
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"))
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    queued_at: Mapped[datetime] = mapped_column(index=True)


class NoticeAddress(Base):
    """Where a message goes, as long as that is needed: a phone number in digits."""

    __tablename__ = "notice_addresses"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), primary_key=True)
    recipient: Mapped[str] = mapped_column(String(16), index=True)


@append_only
class NoticeEvent(Base):
    """One step of a message; the last one is its state."""

    __tablename__ = "notice_events"
    __table_args__ = (UniqueConstraint("notice_id", "sequence"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"))
    sequence: Mapped[int]
    state: Mapped[NoticeState]
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(800), default="")


class NoticeDraft(Base):
    """What is still to be sent: the whole text, sealed. `due_at` is None when it is kept for showing only."""

    __tablename__ = "notice_drafts"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(8000))
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True, slots=True)
class Message:
    """What a gateway gets."""

    id: str
    channel: NoticeChannel
    recipient: str
    text: str = field(repr=False)


class GatewayError(Exception):
    """A message did not leave; the text says why. It is tried again."""


class Gateway(Protocol):
    """Whatever carries messages to phones. `keeps_text`: what was sent may be read on (demonstration)."""

    keeps_text: bool

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises GatewayError."""


class Envelope:
    """Seals drafts with a key that is not in the database (Fernet: AES-128-CBC and HMAC-SHA-256)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str | None:
        """The text, or None when it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except InvalidToken:
            return None


async def add_notice(
    db: AsyncSession, clock: Clock, envelope: Envelope, session: Session, recipient: str, template: str,
    fields: Mapping[str, str], expires_at: datetime, channel: NoticeChannel = NoticeChannel.SMS,
) -> Notice:  # fmt: skip
    """Queue a message inside the caller's transaction. Raises RuleError `outbox_full`."""
    waiting = select(func.count()).select_from(NoticeDraft).where(NoticeDraft.due_at.is_not(None))
    if (await db.scalar(waiting) or 0) >= MAX_WAITING:
        raise RuleError("outbox_full", "现在短信太多，暂时发不出去。请过一会儿再试，或请工作人员核验。")
    whole, shown = TEMPLATES[template].fill(fields)
    notice = Notice(
        id=new_id(), channel=channel, template=template,
        template_version=TEMPLATES[template].version, text=shown, session_id=session.id,
        organisation_id=session.host_organisation_id, queued_at=clock.now(),
    )  # fmt: skip
    db.add(notice)
    await db.flush()
    db.add(NoticeAddress(notice_id=notice.id, recipient=recipient))
    _add_step(db, clock, notice.id, 1, NoticeState.QUEUED)
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

    Raises NotFound, Forbidden, Invalid at `reason`, Conflict `bad_transition` for what is done already.
    """
    notice = await open_notice(db, actor, notice_id)
    words = clean_text(reason, "reason", "原因", MAX_REASON)
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
        await _fall_back(db, clock, notice, draft)
    await _finish(db, clock, draft, NoticeState.SENT if done else NoticeState.FAILED, words)
    return notice


async def _fall_back(db: AsyncSession, clock: Clock, notice: Notice, draft: NoticeDraft) -> None:
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
    _add_step(db, clock, again.id, 1, NoticeState.QUEUED)
    due_at = None if channel in BY_HAND else clock.now()
    values = {"sealed": draft.sealed, "due_at": due_at, "expires_at": draft.expires_at, "attempts": 0}
    db.add(NoticeDraft(notice_id=again.id, **values))
    await db.flush()


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


async def count_sent_to(db: AsyncSession, recipient: str, template: str, since: datetime) -> int:
    """How many messages of this kind this phone was sent since then."""
    query = select(func.count()).select_from(Notice)
    query = query.join(NoticeAddress, NoticeAddress.notice_id == Notice.id)
    query = query.where(NoticeAddress.recipient == recipient)
    query = query.where(Notice.template == template, Notice.queued_at > since)
    return await db.scalar(query) or 0


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
        await _fall_back(db, clock, notice, draft)
        await _finish(db, clock, draft, NoticeState.FAILED, reason)
        return 0
    try:
        await gateway.send(Message(notice.id, notice.channel, address.recipient, text))
    except GatewayError as error:
        if draft.attempts >= ATTEMPTS:
            await _fall_back(db, clock, notice, draft)
            await _finish(db, clock, draft, NoticeState.FAILED, str(error)[:MAX_REASON])
        else:
            draft.due_at = clock.now() + BACK_OFF * 2 ** (draft.attempts - 1)
            await db.commit()
        return 0
    await _finish(db, clock, draft, NoticeState.SENT, "", keep=gateway.keeps_text)
    return 1


async def _finish(
    db: AsyncSession, clock: Clock, draft: NoticeDraft, state: NoticeState, reason: str, keep: bool = False
) -> None:
    last = select(NoticeEvent).where(NoticeEvent.notice_id == draft.notice_id)
    step = (await db.scalars(last.order_by(NoticeEvent.sequence.desc()).limit(1))).one()
    require_transition(TRANSITIONS, step.state, state, "这条短信已经有了结果。")
    _add_step(db, clock, draft.notice_id, step.sequence + 1, state, reason)
    if keep:
        draft.due_at = None
    else:
        await db.delete(draft)
    await db.commit()


async def _drop_expired(db: AsyncSession, clock: Clock) -> None:
    """A code nobody may use any more is not sent, and its text is not kept."""
    late = (await db.scalars(select(NoticeDraft).where(NoticeDraft.expires_at <= clock.now()))).all()
    for draft in late:  # Mostly none: looking must not write.
        if draft.due_at is not None:
            await _finish(db, clock, draft, NoticeState.FAILED, "过了有效期还没有发出")
        else:
            await db.delete(draft)
    if late:
        await db.commit()


def _add_step(
    db: AsyncSession, clock: Clock, notice_id: str, sequence: int, state: NoticeState, reason: str = ""
) -> None:
    step = NoticeEvent(notice_id=notice_id, sequence=sequence, state=state, at=clock.now(), reason=reason)
    db.add(step)
