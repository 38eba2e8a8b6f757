"""The outbox is read page by page, and by way, state and case."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.cursor import Cursor
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.notice import NoticeChannel, NoticeState
from scheduling.notices.outbox import OutboxQuery, list_outbox
from scheduling.notices.queueing import about_session, add_notice
from scheduling.session import Session
from tests.clock import FixedClock
from tests.factories import World, make_session
from tests.scheduling.test_notices import ENVELOPE, Gateway

OWN = "chengguan.receptionist"
FIELDS = {"office": "局", "when": "明天", "phone": "12345"}


async def queue(db: AsyncSession, clock: FixedClock, session: Session, channel: NoticeChannel) -> str:
    until = clock.now() + timedelta(hours=2)
    notice = await add_notice(
        db, clock, ENVELOPE, about_session(session), "13800001234", "session_reminder", FIELDS, until, channel
    )
    await db.commit()
    return notice.id


async def test_pages_follow_one_another_without_a_gap_where_times_are_the_same(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    queued = {await queue(db, clock, session, NoticeChannel.SMS) for _ in range(5)}
    clock.advance(seconds=1)
    newest = await queue(db, clock, session, NoticeChannel.SMS)
    read: list[str] = []
    place = None
    for _ in range(3):
        lines = await list_outbox(db, world.actor(OWN), limit=2, before=place)
        read += [line.notice.id for line in lines]
        place = Cursor(lines[-1].notice.queued_at, lines[-1].notice.id)
    assert await list_outbox(db, world.actor(OWN), limit=2, before=place) == []
    assert read[0] == newest and len(read) == 6 and set(read) == queued | {newest}


async def test_it_is_asked_for_by_way_state_and_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    one, other = await make_session(db, clock, world), await make_session(db, clock, world)
    sent = await queue(db, clock, one, NoticeChannel.SMS)
    await deliver_notices(db, clock, ENVELOPE, Gateway())
    called = await queue(db, clock, one, NoticeChannel.TELEPHONE)
    elsewhere = await queue(db, clock, other, NoticeChannel.SMS)

    async def found(query: OutboxQuery) -> set[str]:
        return {line.notice.id for line in await list_outbox(db, world.actor(OWN), query=query)}

    assert await found(OutboxQuery(channel=NoticeChannel.TELEPHONE)) == {called}
    # What was sent was queued before: the last step counts.
    assert await found(OutboxQuery(state=NoticeState.QUEUED)) == {called, elsewhere}
    assert await found(OutboxQuery(state=NoticeState.SENT)) == {sent}
    number = one.petition.number
    assert await found(OutboxQuery(number=f" {number.lower()} ")) == {sent, called}
    assert await found(OutboxQuery(number=str(int(number[-6:])))) == {sent, called}
    assert await found(OutboxQuery(number="%")) == set()
