"""Messages by SMS and WeChat: taken once, threaded by sender, entered into the register by a clerk."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Channel, PetitionCase
from cases.clock import Clock
from cases.database import atomic, insert_if_absent, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_phone, clean_text
from cases.intake.matters import Matter, add_matter
from cases.intake.thread import InboundMark, MessageThread, ThreadMessage, ThreadState
from cases.organisations import find_office, get_organisation
from cases.policy import SYSTEM, Action, Actor, require, visible_organisation_ids

CHANNELS = frozenset({Channel.SMS, Channel.WECHAT})
MESSAGE_LIMIT = 2000  # Graphemes of one message.
MOST_OF_THREAD = 200
MARKS_KEPT = timedelta(minutes=15)
_SENDER = re.compile(r"[0-9A-Za-z_-]{4,64}")
_QUERY = re.compile(
    r"(查询|预约|取消预约|取消|cx|yy|qx)?\W*([a-z]{2}\d{4}-?\d{6})\W+([a-z0-9]{10})(?:\W+(.{1,40}))?",
    re.IGNORECASE,
)
# Who writes such words is read above the office that was written to (Art. 30: nothing reaches the accused).
_ACCUSES = re.compile("举报|检举|控告|贪污|受贿|行贿")
TellTaken = Callable[[MessageThread], Awaitable[object]]
TellRegistered = Callable[[MessageThread, PetitionCase, str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Command: one message as an operator's network hands it over. `office_code` is whom it was sent to."""

    channel: Channel
    external_id: str
    sender: str
    text: str
    office_code: str


class Taken(StrEnum):
    """What became of a message."""

    THREADED = "threaded"
    REPEATED = "repeated"
    QUERY = "query"


class Asks(StrEnum):
    """What a message with number and query code is for."""

    PROGRESS = "progress"
    BOOK = "book"
    CANCEL = "cancel"


_VERBS = {"预约": Asks.BOOK, "yy": Asks.BOOK, "取消预约": Asks.CANCEL, "取消": Asks.CANCEL, "qx": Asks.CANCEL}


@dataclass(frozen=True, slots=True)
class Query:
    """A question for the progress of a matter, for a time to come, or to call it off.

    `when`: month, day, hour and minute of Beijing that somebody chose, as far as it could be read.
    """

    number: str
    query_code: str
    asks: Asks = Asks.PROGRESS
    when: tuple[int, ...] | None = None


def read_query(text: str) -> Query | None:
    """`查询 LZ2026-000123 k3m5p7q9rs` in any spelling people use; None for anything else.

    `预约 …` asks for times, `预约 … 11260900` or `预约 … 11月26日上午9点` for one of them, `取消 …` calls
    it off.
    """
    found = _QUERY.fullmatch(clean(text))
    if found is None:
        return None
    asks = _VERBS.get((found[1] or "").lower(), Asks.PROGRESS)
    if found[4] and asks is not Asks.BOOK:
        return None
    number = found[2].upper()
    number = number if "-" in number else f"{number[:6]}-{number[6:]}"
    return Query(number, found[3], asks, _read_moment(found[4] or ""))


def _read_moment(words: str) -> tuple[int, ...] | None:
    """`11260900`, `11月26日9:00`, `11月26日下午2点半`."""
    digits = re.findall(r"[0-9]+", words)
    if len(digits) == 1 and len(digits[0]) == 8:
        whole = digits[0]
        return int(whole[:2]), int(whole[2:4]), int(whole[4:6]), int(whole[6:])
    if len(digits) not in (3, 4) or any(len(each) > 2 for each in digits):
        return None
    month, day, hour, *rest = map(int, digits)
    afternoon = hour < 12 and ("下午" in words or "晚上" in words)
    return month, day, hour + 12 * afternoon, rest[0] if rest else 30 * ("半" in words)


async def take_nonce(db: AsyncSession, clock: Clock, channel: str, nonce: str) -> None:
    """Use a nonce up inside the caller's transaction. Raises Conflict `replayed`."""
    await db.execute(delete(InboundMark).where(InboundMark.at < clock.now() - MARKS_KEPT))
    try:
        await db.execute(insert(InboundMark).values(channel=channel, mark=nonce, at=clock.now()))
    except IntegrityError as error:
        raise Conflict("replayed", "这个请求已经收到过。") from error


@atomic
async def receive_message(
    db: AsyncSession, clock: Clock, incoming: Incoming, nonce: str, tell: TellTaken | None = None
) -> Taken:
    """Keep a message in its sender's open thread; commits. The caller has checked the signature.

    `tell` says to the sender in the same commit that the first one of a thread was taken. A query is not
    kept, for it holds a code; the caller answers it. Raises Invalid at the field, Conflict `replayed` for a
    nonce that came before.
    """
    require(SYSTEM, Action.CREATE_PETITION)
    message = _checked(incoming)
    await take_nonce(db, clock, message.channel, nonce)
    if read_query(message.text):
        await db.commit()
        return Taken.QUERY
    known = select(ThreadMessage.id).where(
        ThreadMessage.channel == message.channel, ThreadMessage.external_id == message.external_id
    )
    if await db.scalar(known):
        await db.commit()
        return Taken.REPEATED
    thread_id, sequence = await _open_thread(db, clock, message)
    row = ThreadMessage(
        id=new_id(), thread_id=thread_id, sequence=sequence, channel=message.channel,
        external_id=message.external_id, text=message.text, at=clock.now(),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    if tell is not None and sequence == 1:
        await tell(await db.get_one(MessageThread, thread_id))
    await db.commit()
    return Taken.THREADED


async def list_threads(
    db: AsyncSession, actor: Actor, state: ThreadState = ThreadState.OPEN, limit: int = 50, offset: int = 0
) -> Sequence[MessageThread]:
    """Threads of the actor's own organisations, the longest waiting first."""
    require(actor, Action.CREATE_PETITION)
    query = select(MessageThread).where(MessageThread.state == state)
    query = query.where(
        MessageThread.organisation_id.in_(visible_organisation_ids(actor, Action.CREATE_PETITION))
    )
    query = query.order_by(MessageThread.last_at, MessageThread.id).limit(min(limit, 200)).offset(offset)
    return (await db.scalars(query)).all()


async def get_thread(db: AsyncSession, actor: Actor, thread_id: str) -> MessageThread:
    """A thread of the actor's own organisations. Raises NotFound."""
    require(actor, Action.CREATE_PETITION)
    query = select(MessageThread).where(MessageThread.id == thread_id)
    thread = await db.scalar(query.execution_options(populate_existing=True))
    if thread is None or thread.organisation_id not in visible_organisation_ids(
        actor, Action.CREATE_PETITION
    ):
        raise NotFound("thread_not_found", "没有找到这组信息。")
    return thread


async def list_messages(db: AsyncSession, thread_id: str) -> Sequence[ThreadMessage]:
    """What was written, oldest first. The caller has asked the policy by `get_thread`."""
    query = select(ThreadMessage).where(ThreadMessage.thread_id == thread_id)
    return (await db.scalars(query.order_by(ThreadMessage.sequence))).all()


@atomic
async def register_thread(
    db: AsyncSession, clock: Clock, actor: Actor, thread_id: str, matter: Matter,
    tell: TellRegistered | None = None,
) -> tuple[PetitionCase, str]:  # fmt: skip
    """Make a case of a thread; commits. What was written stands in the case as it was written.

    `tell` sends number and query code the way the messages came, in the same commit.
    Raises Conflict `thread_done` when a colleague was first, Invalid at the field.
    """
    thread = await get_thread(db, actor, thread_id)
    await _close(db, thread, ThreadState.REGISTERED)
    matter = replace(matter, channel=thread.channel, source=f"thread-{thread.channel}", external_id=thread.id)
    petition, code = await add_matter(db, clock, actor, matter)
    await db.execute(
        update(MessageThread).where(MessageThread.id == thread.id).values(petition_id=petition.id)
    )
    await add_audit(db, clock, actor, "petition.registered", "petition", petition.id)
    if tell is not None:
        await tell(thread, petition, code)
    await db.commit()
    return petition, code


@atomic
async def dismiss_thread(db: AsyncSession, clock: Clock, actor: Actor, thread_id: str, reason: str) -> None:
    """Put a thread away that is no matter, with the reason; commits. Raises Invalid, Conflict."""
    thread = await get_thread(db, actor, thread_id)
    words = clean_text(reason, "reason", "原因", 200)
    if not words:
        raise Invalid("required", "请写明不登记的原因。", "reason")
    await _close(db, thread, ThreadState.DISMISSED, words)
    await add_audit(db, clock, actor, "thread.dismissed", "thread", thread.id)
    await db.commit()


def _checked(incoming: Incoming) -> Incoming:
    if incoming.channel not in CHANNELS:
        raise Invalid("bad_channel", "没有这个渠道。", "channel")
    external_id = clean(incoming.external_id)
    if not external_id or len(external_id) > 128:
        raise Invalid("bad_message_id", "信息的编号要有 1 到 128 个字符。", "id")
    sender = clean(incoming.sender)
    if incoming.channel is Channel.SMS:
        sender = clean_phone(sender, "from")
    elif not _SENDER.fullmatch(sender):
        raise Invalid("bad_sender", "发信人的编号要有 4 到 64 个字母和数字。", "from")
    text = clean_text(incoming.text, "text", "信息", MESSAGE_LIMIT)
    if not text:
        raise Invalid("required", "信息是空的。", "text")
    return replace(incoming, sender=sender, text=text, external_id=external_id)


async def _open_thread(db: AsyncSession, clock: Clock, message: Incoming) -> tuple[str, int]:
    """The sender's open thread, made when there is none, and the message's place; two at once take turns."""
    same = (MessageThread.channel == message.channel) & (MessageThread.sender == message.sender)
    same &= MessageThread.state == ThreadState.OPEN
    touch = update(MessageThread).where(same)
    touch = touch.values(last_at=clock.now(), message_count=MessageThread.message_count + 1)
    advance = touch.returning(MessageThread.id, MessageThread.message_count)
    found = (await db.execute(advance)).one_or_none()
    if found is None:
        row = {
            "id": new_id(), "channel": message.channel, "sender": message.sender, "state": ThreadState.OPEN,
            "organisation_id": await _reading_office(db, message), "message_count": 0,
            "opened_at": clock.now(), "last_at": clock.now(),
        }  # fmt: skip
        await insert_if_absent(db, MessageThread, **row)
        found = (await db.execute(advance)).one()
    if found.message_count > MOST_OF_THREAD:
        raise Conflict("thread_full", "还没有处理的信息太多，暂时收不下。")
    return found.id, found.message_count


async def _reading_office(db: AsyncSession, message: Incoming) -> str:
    office = await find_office(db, message.office_code)
    if office is None:
        raise Invalid("no_office", "没有这个地区的信访部门。", "to")
    if _ACCUSES.search(message.text) and office.parent_id:
        office = await get_organisation(db, office.parent_id)
    return office.id


async def _close(
    db: AsyncSession, thread: MessageThread, state: ThreadState, reason: str | None = None
) -> None:
    taken = update(MessageThread).where(
        MessageThread.id == thread.id, MessageThread.state == ThreadState.OPEN
    )
    taken = taken.values(state=state, reason=reason)
    if await db.scalar(taken.returning(MessageThread.id)) is None:
        raise Conflict("thread_done", "同事刚刚处理了这组信息，请刷新页面。")
