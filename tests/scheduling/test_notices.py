"""The outbox: rows that grow, secrets that go, gateways that fail, and floods."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.append_only import AppendOnlyError
from cases.errors import Conflict, Invalid, NotFound, RuleError
from scheduling.notices import queueing
from scheduling.notices.by_hand import finish_by_hand
from scheduling.notices.delivering import ATTEMPTS, deliver_notices
from scheduling.notices.gateway import Envelope, GatewayError, Message
from scheduling.notices.notice import Notice, NoticeChannel, NoticeDraft, NoticeEvent, NoticeState
from scheduling.notices.outbox import NextStep, list_outbox
from scheduling.notices.proof import proof_of
from scheduling.notices.queueing import About, about_session, add_notice
from scheduling.session import Session
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_session

ENVELOPE = Envelope(Fernet.generate_key())


class Gateway:
    """Takes messages, or fails so many times first."""

    def __init__(self, failures: int = 0, keeps_text: bool = False) -> None:
        self.failures, self.keeps_text = failures, keeps_text
        self.taken: list[Message] = []

    async def send(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise GatewayError("短信网关答复 503")
        self.taken.append(message)


async def queue(db: AsyncSession, clock: FixedClock, session: Session) -> Notice:
    until = clock.now() + timedelta(minutes=10)
    fields = {"code": "482913"}
    about = about_session(session)
    notice = await add_notice(db, clock, ENVELOPE, about, "13800001234", "identity_code", fields, until)
    await db.commit()
    return notice


async def states(db: AsyncSession) -> list[str]:
    return [str(row) for row in await db.scalars(select(NoticeEvent.state).order_by(NoticeEvent.sequence))]


async def drafts(db: AsyncSession) -> int:
    return await db.scalar(select(func.count()).select_from(NoticeDraft)) or 0


async def test_a_message_leaves_once_and_its_secret_with_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    notice, gateway = await queue(db, clock, await make_session(db, clock, world)), Gateway()
    sealed = await db.scalar(select(NoticeDraft.sealed)) or ""
    assert "482913" not in notice.text and "482913" not in sealed
    assert Envelope(Fernet.generate_key()).open(sealed) is None
    for _ in range(3):
        await deliver_notices(db, clock, ENVELOPE, gateway)
    assert [message.text.count("482913") for message in gateway.taken] == [1]
    assert (await states(db), await drafts(db)) == (["queued", "sent"], 0)
    (line,) = await list_outbox(db, world.actor("chengguan.receptionist"), ENVELOPE)
    assert line.whole is None and "······" in line.notice.text


async def test_what_fails_is_tried_again_with_longer_pauses_and_then_said_to_have_failed(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    await queue(db, clock, session)
    gateway = Gateway(failures=2)
    for seconds, taken in ((0, 0), (5, 0), (6, 0), (10, 0), (11, 1)):
        clock.advance(seconds=seconds)
        await deliver_notices(db, clock, ENVELOPE, gateway)
        assert len(gateway.taken) == taken
    await queue(db, clock, session)
    dead = Gateway(failures=99)
    for _ in range(ATTEMPTS + 2):
        await deliver_notices(db, clock, ENVELOPE, dead)
        clock.advance(seconds=90)
    assert dead.failures == 99 - ATTEMPTS
    lines = await list_outbox(db, world.actor("chengguan.receptionist"))
    assert (lines[0].state, lines[0].reason) == ("failed", "短信网关答复 503")
    assert await drafts(db) == 0


async def test_without_a_gateway_and_after_its_time_nothing_waits(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    await queue(db, clock, session)
    await deliver_notices(db, clock, ENVELOPE, None)
    assert await states(db) == ["queued", "failed"]
    shown = Gateway(keeps_text=True)
    await queue(db, clock, session)
    await deliver_notices(db, clock, ENVELOPE, shown)
    lines = await list_outbox(db, world.actor("chengguan.receptionist"), ENVELOPE)
    assert [line.whole for line in lines if line.state == "sent"][0].count("482913") == 1  # type: ignore[union-attr]
    await queue(db, clock, session)
    clock.advance(minutes=11)
    await deliver_notices(db, clock, ENVELOPE, shown)
    assert len(shown.taken) == 1 and await drafts(db) == 0


async def test_a_flood_is_refused_in_words(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await make_session(db, clock, world)
    monkeypatch.setattr(queueing, "MAX_WAITING", 2)
    for _ in range(2):
        await queue(db, clock, session)
    with pytest.raises(RuleError, match="outbox_full"):
        await queue(db, clock, session)


async def test_the_outbox_only_grows(db: AsyncSession, clock: FixedClock, world: World) -> None:
    await queue(db, clock, await make_session(db, clock, world))
    for model in (Notice, NoticeEvent):
        with pytest.raises(AppendOnlyError):
            await db.execute(update(model).values(id="other"))
        with pytest.raises(DatabaseError, match="append-only"):
            await db.execute(text(f"DELETE FROM {model.__tablename__}"))
        await db.rollback()


async def test_what_no_gateway_carries_goes_the_next_way_and_is_told_by_hand(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, own = await make_session(db, clock, world), world.actor("chengguan.receptionist")
    until, fields = clock.now() + timedelta(hours=2), {"office": "局", "when": "明天", "phone": "12345"}
    about = about_session(session)
    notice = await add_notice(db, clock, ENVELOPE, about, "13800001234", "session_reminder", fields, until)
    await db.commit()
    await deliver_notices(db, clock, ENVELOPE, None)

    calls = (await db.scalars(select(Notice).where(Notice.channel == NoticeChannel.TELEPHONE))).all()
    assert [each.text for each in calls] == [notice.text]
    with pytest.raises(NotFound):
        await finish_by_hand(db, clock, world.actor("xigu.receptionist"), calls[0].id, True)
    with pytest.raises(Invalid):
        await finish_by_hand(db, clock, own, calls[0].id, False)
    await finish_by_hand(db, clock, own, calls[0].id, False, "打不通")
    [slip] = (await db.scalars(select(Notice).where(Notice.channel == NoticeChannel.PAPER))).all()
    await finish_by_hand(db, clock, own, slip.id, True)
    with pytest.raises(Conflict):
        await finish_by_hand(db, clock, own, slip.id, True)
    states = {line.notice.channel: line.state for line in await list_outbox(db, own)}
    assert states == {
        NoticeChannel.SMS: NoticeState.FAILED,
        NoticeChannel.TELEPHONE: NoticeState.FAILED,
        NoticeChannel.PAPER: NoticeState.SENT,
    }


async def test_each_attempt_is_listed_and_what_failed_says_who_must_do_what(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session, own = await make_session(db, clock, world), world.actor("chengguan.receptionist")
    until = clock.now() + timedelta(hours=2)
    fields = {"office": "局", "when": "明天", "phone": "12345", "link": "https://x/j/abc#secret"}
    about = about_session(session)
    await add_notice(db, clock, ENVELOPE, about, "13800001234", "session_reminder_link", fields, until)
    await db.commit()
    for _ in range(ATTEMPTS):
        assert await list_outbox(db, own, for_a_human=True) == []
        await deliver_notices(db, clock, ENVELOPE, Gateway(failures=1))
        clock.advance(seconds=200)
    lines = {line.notice.channel: line for line in await list_outbox(db, own)}
    sms, call = lines[NoticeChannel.SMS], lines[NoticeChannel.TELEPHONE]
    assert [step.reason for step in sms.steps] == ["", *["短信网关答复 503"] * ATTEMPTS]
    assert (sms.next_step, call.next_step) == (NextStep.FOLLOWED, NextStep.CALL)
    assert call.notice.instead_of_id == sms.notice.id and call.number == session.petition.number
    # Nobody reads a link out; the one that was sent before still opens.
    assert "以前发给您的链接" in call.notice.text and "secret" not in call.notice.text
    [waiting] = await list_outbox(db, own, for_a_human=True)
    assert waiting.notice.id == call.notice.id and waiting.recipient == "13800001234"
    await finish_by_hand(db, clock, own, call.notice.id, False, "打不通")
    [slip] = await list_outbox(db, own, for_a_human=True)
    assert slip.next_step is NextStep.HAND_OVER
    await finish_by_hand(db, clock, own, slip.notice.id, False, "找不到本人")
    [lost] = await list_outbox(db, own, for_a_human=True)
    assert lost.next_step is NextStep.REACH
    await finish_by_hand(db, clock, own, lost.notice.id, True)
    assert await list_outbox(db, own, for_a_human=True) == []
    with pytest.raises(Conflict):
        await finish_by_hand(db, clock, own, lost.notice.id, True)


async def test_what_nobody_told_in_time_lapses(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session, own = await make_session(db, clock, world), world.actor("chengguan.receptionist")
    until, fields = clock.now() + timedelta(hours=2), {"office": "局", "when": "明天", "phone": "12345"}
    about, channel = about_session(session), NoticeChannel.TELEPHONE
    await add_notice(db, clock, ENVELOPE, about, "0931", "session_reminder", fields, until, channel)
    await db.commit()
    assert len(await list_outbox(db, own, for_a_human=True)) == 1
    clock.advance(hours=3)
    await deliver_notices(db, clock, ENVELOPE, Gateway())
    [line] = await list_outbox(db, own)
    assert (line.state, line.next_step) == (NoticeState.FAILED, NextStep.LAPSED)
    assert await list_outbox(db, own, for_a_human=True) == [] and await drafts(db) == 0


async def test_an_answer_by_wechat_goes_on_to_the_telephone_of_the_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, until = await make_petition(db, clock, world.chengguan), clock.now() + timedelta(days=1)
    for about in (About(world.chengguan.id, petition.id), About(world.chengguan.id)):
        await add_notice(
            db, clock, ENVELOPE, about, "wx_openid", "progress", {"answer": "【连心桥】已受理"}, until,
            NoticeChannel.WECHAT,
        )  # fmt: skip
    await db.commit()
    await deliver_notices(db, clock, ENVELOPE, None)
    gateway = Gateway()
    await deliver_notices(db, clock, ENVELOPE, gateway)
    [message] = gateway.taken  # Of the other one no case is known, hence no telephone.
    assert (message.channel, message.recipient, message.text) == (
        NoticeChannel.SMS, "13800001234", "【连心桥】已受理",
    )  # fmt: skip
    lines = await list_outbox(db, world.actor("chengguan.receptionist"), ENVELOPE)
    assert all("已受理" not in line.notice.text for line in lines)
    assert [line.recipient for line in lines if line.state is NoticeState.SENT] == [""]


async def test_a_message_that_left_proves_a_delivery_and_no_other_does(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    notice = await queue(db, clock, await make_session(db, clock, world))
    await deliver_notices(db, clock, ENVELOPE, Gateway())
    with pytest.raises(Invalid, match="not_sent"):  # It left, and is about no paper.
        await proof_of(db, "0" * 32, notice.id)
    with pytest.raises(Invalid, match="not_sent"):
        await proof_of(db, "0" * 32, "1" * 32)
