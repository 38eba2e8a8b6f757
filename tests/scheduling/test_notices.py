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
from scheduling.notices.outbox import list_outbox
from scheduling.notices.queueing import add_notice
from scheduling.session import Session
from tests.clock import FixedClock
from tests.factories import World, make_session

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
    notice = await add_notice(db, clock, ENVELOPE, session, "13800001234", "identity_code", fields, until)
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
    notice = await add_notice(db, clock, ENVELOPE, session, "13800001234", "session_reminder", fields, until)
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
