"""What citizens hear of a sitting stands in the same commit as the sitting: both are there, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import Database
from scheduling.booking.booking import Booking, BookingState
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.booking.reviewing import Review, review_booking
from scheduling.links import issue_link
from scheduling.notices import queueing
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import Notice, NoticeChannel, NoticeDraft
from scheduling.notices.telling import Telling, tell_applicants
from scheduling.session import Session, SessionState
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.invitations import list_invitations
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_slots

OWN = "chengguan.receptionist"
TELLING = Telling(Envelope(Fernet.generate_key()), "12345", lambda moment: f"{moment:%H:%M}")


class Broken(Exception):
    """The database is gone at the worst moment."""


async def broken_commit() -> None:
    raise Broken


async def die_after(db: AsyncSession) -> None:
    """The commit stands, and whatever would have come after it does not happen any more."""
    await AsyncSession.commit(db)
    raise Broken


async def kept(database: Database) -> tuple[Sequence[Session], list[str]]:
    """What another process finds: sessions, and the template of each notice with a draft."""
    async with database.session() as db:
        sessions = (await db.scalars(select(Session))).all()
        query = select(Notice.template).join(NoticeDraft, NoticeDraft.notice_id == Notice.id)
        return sessions, list(await db.scalars(query.order_by(Notice.queued_at, Notice.id)))


async def test_a_commit_that_fails_leaves_neither_and_one_that_stands_leaves_both(
    database: Database, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, start = world.actor(OWN), clock.now() + timedelta(days=1)
    later = start + timedelta(hours=2)
    async with database.session() as db:
        petition = await make_petition(db, clock, world.chengguan)
    command = Arrange(petition.id, world.chengguan.id, starts_at=start, ends_at=start + timedelta(minutes=30))

    async def arranging(db: AsyncSession) -> None:
        await arrange(db, clock, own, command, TELLING)

    async def moving(db: AsyncSession) -> None:
        (session,), _ = await kept(database)
        move = MoveSession(session.id, "室温", None, later, later + timedelta(minutes=30))
        await reschedule_session(db, clock, own, move, TELLING)

    async def cancelling(db: AsyncSession) -> None:
        (session,), _ = await kept(database)
        await move_session(db, clock, own, session.id, SessionState.CANCELLED, "停电", TELLING)

    told: list[str] = []
    for act, template in (
        (arranging, "session_arranged"),
        (moving, "session_moved"),
        (cancelling, "session_cancelled"),
    ):
        before = [(each.starts_at, each.state) for each in (await kept(database))[0]]
        async with database.session() as db:
            with monkeypatch.context() as patch:
                patch.setattr(db, "commit", broken_commit)
                with pytest.raises(Broken):
                    await act(db)
        sessions, notices = await kept(database)
        assert ([(each.starts_at, each.state) for each in sessions], notices) == (before, told)
        clock.advance(seconds=1)
        async with database.session() as db:
            with monkeypatch.context() as patch:
                patch.setattr(db, "commit", partial(die_after, db))
                with pytest.raises(Broken):
                    await act(db)
        told.append(template)
        assert (await kept(database))[1] == told
    (session,), _ = await kept(database)
    assert (session.starts_at, session.state) == (later, SessionState.CANCELLED)


async def test_who_has_no_link_yet_is_not_told_that_it_stays(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """And which reception it is: of two at one office nobody knew which one had moved."""
    own, start = world.actor("chengguan.receptionist"), clock.now() + timedelta(days=1)
    petition, half = await make_petition(db, clock, world.chengguan), timedelta(minutes=30)
    command = Arrange(petition.id, world.chengguan.id, starts_at=start, ends_at=start + half)
    session = await arrange(db, clock, own, command, TELLING)

    async def moved(was: datetime, begin: datetime) -> str:
        clock.advance(seconds=1)
        move = MoveSession(session.id, "室温", None, begin, begin + half)
        await reschedule_session(db, clock, own, move, TELLING)
        text = await db.scalar(select(Notice.text).order_by(Notice.queued_at.desc()).limit(1))
        assert text and f"原定 {TELLING.when(was)} 的" in text and f"改到：{TELLING.when(begin)}。" in text
        return text

    assert "到时会发链接给您。" in await moved(start, start + half)
    [citizen] = [each for each in await list_invitations(db, session.id) if each.person is not None]
    await issue_link(db, clock, own, citizen.id)
    assert "原来的链接继续有效。" in await moved(start + half, start + 2 * half)


async def test_a_refused_booking_and_its_notice_are_one(
    database: Database, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.session() as db:
        slot = (await make_slots(db, clock, world.chengguan))[0]
        done = await book_publicly(db, clock, BookPublicly(slot.id, "张桂芳", "13900001111", "供暖", ""))
    refusal = Review(done.booking.id, BookingState.REJECTED, "材料不全")

    async def review(db: AsyncSession) -> None:
        await review_booking(
            db, clock, world.actor(OWN), refusal, partial(tell_applicants, db, clock, TELLING)
        )

    async with database.session() as db:
        with monkeypatch.context() as patch:
            patch.setattr(db, "commit", broken_commit)
            with pytest.raises(Broken):
                await review(db)
    async with database.session() as db:
        assert (await db.get_one(Booking, done.booking.id)).state is BookingState.SUBMITTED
    assert (await kept(database))[1] == []
    async with database.session() as db:
        with monkeypatch.context() as patch:
            patch.setattr(db, "commit", partial(die_after, db))
            with pytest.raises(Broken):
                await review(db)
    async with database.session() as db:
        assert (await db.get_one(Booking, done.booking.id)).state is BookingState.REJECTED
    assert (await kept(database))[1] == ["booking_rejected"]


async def test_a_flood_of_messages_holds_nothing_up(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "MAX_WAITING", 0)
    petition, start = await make_petition(db, clock, world.chengguan), clock.now() + timedelta(days=1)
    command = Arrange(petition.id, world.chengguan.id, starts_at=start, ends_at=start + timedelta(minutes=30))
    await arrange(db, clock, world.actor(OWN), command, TELLING)
    (notice,) = (await db.scalars(select(Notice))).all()
    assert notice.channel is NoticeChannel.TELEPHONE
