"""Messages of the demonstration's last weeks, in every state a message can have.

They go the way of real ones: queued, tried at a gateway that refuses some of them, handed on to the telephone
and to paper. It is done before the service runs, whose own sender would take what is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.documents.document import IssuedDocument
from cases.people import Official
from cases.policy import Actor
from cases.signin import actor_for
from scheduling.notices.by_hand import IN_PERSON, finish_by_hand
from scheduling.notices.delivering import ATTEMPTS, deliver_notices
from scheduling.notices.gateway import Envelope, GatewayError, Message
from scheduling.notices.notice import Notice, NoticeChannel, NoticeDraft
from scheduling.notices.queueing import About, add_notice, channel_for
from scheduling.session import Session, SessionState
from web.demo.people import HOST
from web.demo.then import At
from web.language import in_chinese
from web.words import dated_time

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
VALID = 15 * DAY
LOOKED_AT = timedelta(hours=4)  # So long the one that is tried again waits, to be looked at.
REFUSED = "短信网关答复 503"
NO_ANSWER, NOT_FOUND = "电话打不通", "找不到本人"


@dataclass(frozen=True)
class Said:
    """A message of the last days. `refused`: how many attempts; `by_hand`: what was noted then, in turn.

    `waits`: the next attempt is still to come. `lapses`: nobody sent it while it was of use.
    """

    subject: str
    template: str
    ago: timedelta
    what: str = ""
    answer: str = ""
    refused: int = 0
    by_hand: tuple[tuple[bool, str], ...] = ()
    wechat: bool = False
    waits: bool = False
    lapses: bool = False
    session_id: str = ""  # Empty: the newest of the matter.


HOUR = timedelta(hours=1)
SAID = (
    Said("物业撤场没有人管", "session_arranged", 4 * DAY, refused=2),
    Said("物业撤场没有人管", "identity_code", 2 * DAY, refused=1, lapses=True),
    Said("临街店铺油烟排到居民楼", "request_answered", 3 * DAY, "查看笔录", "可以，请带身份证到接待大厅",
         refused=ATTEMPTS, wechat=True),
    Said("养老金少发两个月", "session_arranged", 26 * HOUR, refused=ATTEMPTS, by_hand=((False, NO_ANSWER),)),
    Said("冬季供暖温度不达标", "session_arranged", 25 * HOUR, refused=ATTEMPTS,
         by_hand=((True, "本人接听，记下了时间"),)),
    Said("夜间施工噪声", "request_answered", 30 * HOUR, "改约时间", "改到下周二上午",
         refused=ATTEMPTS, by_hand=((False, NO_ANSWER), (False, NOT_FOUND))),
    Said("楼道灯长期不亮", "session_missed", 28 * HOUR,
         refused=ATTEMPTS, by_hand=((False, NO_ANSWER), (False, NOT_FOUND), (True, IN_PERSON))),
    Said("门前道路积水", "session_arranged", 3 * HOUR, refused=ATTEMPTS),
    Said("拖欠农民工工资问题", "request_answered", HOUR, "增加一名代表", "可以，最多五名代表",
         refused=2, waits=True),
)  # fmt: skip


class _Line:
    """A gateway that refuses so many attempts and then takes what comes."""

    keeps_text = True

    def __init__(self, refuses: int) -> None:
        self._left = refuses

    async def send(self, message: Message) -> None:
        """Raises GatewayError while it refuses."""
        if self._left:
            self._left -= 1
            raise GatewayError(REFUSED)


@dataclass(frozen=True)
class _Outbox:
    db: AsyncSession
    envelope: Envelope
    clock: Clock
    actor: Actor
    help_phone: str
    office: str


async def seed_outbox(db: AsyncSession, clock: Clock, envelope: Envelope, help_phone: str) -> None:
    """Once; where there is any message it stays as it is. `envelope`: the one of the service that follows."""
    if await db.scalar(select(Notice.id).limit(1)) is not None:
        return
    host = (await db.scalars(select(Official).where(Official.username == HOST.username))).unique().one()
    office = host.posts[0].organisation.name
    outbox = _Outbox(db, envelope, clock, actor_for(host), help_phone, office)
    for said in sorted([*await _usual(db, clock), *SAID], key=lambda each: -each.ago):
        await _say(outbox, said)


async def _usual(db: AsyncSession, clock: Clock) -> Iterable[Said]:
    """What each sitting and each paper of the last weeks was told with, and which arrived."""
    now, special = clock.now(), {(each.subject, each.template) for each in SAID}
    over = select(Session).where(Session.state.in_((SessionState.CLOSED, SessionState.NO_SHOW)))
    found = []
    for session in (await db.scalars(over)).unique().all():
        told = now - session.created_at, now - session.starts_at + DAY
        for template, ago in zip(("session_arranged", "session_reminder"), told, strict=True):
            if (session.case.subject, template) not in special:
                found.append(Said(session.case.subject, template, ago, session_id=session.id))
    for paper in (await db.scalars(select(IssuedDocument))).unique().all():
        petition = await db.get_one(PetitionCase, paper.petition_id)
        found.append(Said(petition.subject, "document_ready", now - paper.issued_at - MINUTE, paper.id))
    return found


async def _say(outbox: _Outbox, said: Said) -> None:
    db, now = outbox.db, outbox.clock.now()
    at = now - said.ago
    same = select(PetitionCase).where(PetitionCase.subject == said.subject)
    # Whoever tried the demonstration may have written down the same matter again.
    petition = (await db.scalars(same.order_by(PetitionCase.registered_at).limit(1))).unique().one()
    notice = await _queued(outbox, said, petition, At(at))
    line = _Line(said.refused)
    if said.lapses:  # Nobody took it while it was worth something.
        await deliver_notices(db, At(at), outbox.envelope, line)
        await deliver_notices(db, At(at + 11 * MINUTE), outbox.envelope, line)
        return
    for attempt in range(said.refused + (0 if said.waits else 1)):
        await deliver_notices(db, At(at + attempt * 3 * MINUTE), outbox.envelope, line)
    if said.waits:
        (await db.get_one(NoticeDraft, notice.id)).due_at = now + LOOKED_AT
        await db.commit()
    for number, (done, words) in enumerate(said.by_hand, 1):
        later = At(at + number * HOUR)
        await finish_by_hand(db, later, outbox.actor, await _last_of(db, notice.id), done, words)


async def _queued(outbox: _Outbox, said: Said, petition: PetitionCase, at: At) -> Notice:
    db, office = outbox.db, outbox.actor.posts[0].organisation_id
    query = select(Session).where(Session.petition_id == petition.id)
    if said.session_id:
        query = query.where(Session.id == said.session_id)
    session = (await db.scalars(query.order_by(Session.starts_at.desc()).limit(1))).unique().first()
    about = About(office, petition.id, session.id if session else None)
    with in_chinese():
        when = dated_time(session.starts_at) if session else ""
    fields = {
        "office": outbox.office, "when": when, "phone": outbox.help_phone, "what": said.what,
        "answer": said.answer, "number": petition.number, "code": "274913",
    }  # fmt: skip
    if said.template == "document_ready":
        paper = await db.get_one(IssuedDocument, said.what)
        about = About(paper.organisation_id, petition.id, document_id=paper.id)
        fields |= {"office": paper.organisation.name, "what": paper.title, "paper": paper.number}
    phone = petition.petitioner.phone or ""
    channel = NoticeChannel.WECHAT if said.wechat else channel_for(phone)
    until = at.now() + (10 * MINUTE if said.lapses else VALID)
    to = "wx_liang1968" if said.wechat else phone
    notice = await add_notice(db, at, outbox.envelope, about, to, said.template, fields, until, channel)
    await db.commit()
    return notice


async def _last_of(db: AsyncSession, notice_id: str) -> str:
    """The message that goes on with this one now, or this one."""
    while (after := await db.scalar(select(Notice.id).where(Notice.instead_of_id == notice_id))) is not None:
        notice_id = after
    return notice_id
