"""The weeks before the demo day: sittings that are over, and messages in every state."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.clock import BEIJING
from cases.database import Database
from cases.deadlines.in_force import BUILT_IN as CALENDAR
from cases.documents.document import Delivery, IssuedDocument
from cases.documents.letter import Letter
from cases.intake.import_job import Fate, ImportState
from cases.intake.imports import count_fates, list_imports, list_rows
from cases.intake.thread import ThreadState
from cases.intake.threads import list_threads
from cases.people import Official
from cases.policy import Actor
from cases.signin import actor_for
from scheduling.afterwards.ratings import list_figures
from scheduling.arrival.poster import PosterUse, list_posters, uses_of
from scheduling.booking.equipment import list_equipment
from scheduling.minutes.record import Minutes, MinutesState
from scheduling.minutes.signature import MinutesSignature, SignatureAct
from scheduling.notices.gateway import Envelope
from scheduling.notices.notice import Notice, NoticeDraft, NoticeState
from scheduling.notices.outbox import NextStep, list_outbox
from scheduling.notices.telling import Telling
from scheduling.session import OVER, Session, SessionState
from tests.clock import FixedClock
from web.demo import past
from web.demo.day import seed_day
from web.demo.intake import SHEETS
from web.demo.outbox import REFUSED, seed_outbox
from web.demo.past_matters import PAST
from web.demo.people import HOST
from web.demo.rota import seed_attendance
from web.demo.weeks import seed_weeks


async def _drawn(letter: Letter) -> bytes:
    return f"%PDF- {letter.title}".encode()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own time is that of Los Angeles."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_the_weeks_before_are_whole_and_made_once(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, elsewhere: None
) -> None:
    clock.set(datetime(2026, 7, 21, 16, 30, tzinfo=UTC))  # A day that has just begun in Beijing alone.
    monkeypatch.setattr(past, "drawing", lambda now: _drawn)
    envelope = Envelope(Fernet.generate_key())
    async with database.session() as db:
        await seed_weeks(db, clock)
        await seed_day(db, clock)
        await seed_outbox(db, clock, envelope, "12345")
        over = (await db.scalars(select(Session).where(Session.state.in_(sorted(OVER))))).unique().all()
        held = [each for each in over if each.state is SessionState.CLOSED]
        assert len(over) == len(PAST) and len(held) >= 10
        assert {each.state for each in over} >= {SessionState.NO_SHOW, SessionState.TECHNICAL_FAILED}
        assert all(each.closed_at is not None and each.closed_at < clock.now() for each in over)
        assert not any(each.record for each in over), "no film is missed that nobody made"
        sheets = (await db.scalars(select(Minutes))).all()
        assert len(sheets) == len(held) and {each.state for each in sheets} == {MinutesState.LOCKED}
        acts = set(await db.scalars(select(MinutesSignature.act)))
        assert acts == set(SignatureAct), "signed, agreed aloud, refused"
        papers = (await db.scalars(select(IssuedDocument))).unique().all()
        _require_days_of_beijing(over, papers, clock.now())
        wanted = [each for each in PAST if each.conclusion is not None]
        assert len(papers) == len(wanted)
        assert await db.scalar(select(func.count()).select_from(Delivery)) == len(papers)
        same = select(Official).where(Official.username == HOST.username)
        host = actor_for((await db.scalars(same)).unique().one())
        assert any(each.satisfied for each in await list_figures(db, clock, host)), "enough to be summed up"
        lines = await list_outbox(db, host, envelope, 200)
        assert not [each.notice.text for each in lines if "。。" in each.notice.text]
        assert {each.next_step for each in lines} == set(NextStep), Counter(each.next_step for each in lines)
        assert {each.state for each in lines} == set(NoticeState)
        waiting = next(each for each in lines if each.next_step is NextStep.SENDING)
        assert waiting.reason == REFUSED and waiting.at < clock.now()
        due = (await db.get_one(NoticeDraft, waiting.notice.id)).due_at
        assert due is not None and due > clock.now(), "the sender leaves it to be looked at"
        await _require_what_came_in(db, host)
        await seed_attendance(db, clock, Telling(envelope, "12345", str))
        lines = await list_outbox(db, host, envelope, 200)
        told = {each.notice.channel for each in lines if each.notice.template == "attendance_asked"}
        assert told == {"sms", "telephone"}, "units of the district's days, at their duty telephones"
        own = {each.organisation_id for each in host.posts}
        hung = await list_posters(db, own)
        assert {each.withdrawn_at is None for each in hung} == {True, False}
        assert await list_equipment(db, [*own])
        used = await uses_of(db, clock, [each.id for each in hung])
        assert any(each[PosterUse.OPENED].lately for each in used.values())
        counts = [await db.scalar(select(func.count()).select_from(each)) for each in (Session, Notice)]
        clock.advance(days=1)
        await seed_weeks(db, clock)
        await seed_outbox(db, clock, envelope, "12345")
        assert len(await list_imports(db, host)) == len(SHEETS)
        assert len(await list_posters(db, own)) == len(hung)
        again = [await db.scalar(select(func.count()).select_from(each)) for each in (Session, Notice)]
        assert again == counts
        audit = await check_audit(db)
        assert audit.intact and audit.rows > len(over), "written weeks ago, and proven like any other"
        log = (await db.scalars(select(AuditEntry).order_by(AuditEntry.sequence))).all()
        back = [each.action for before, each in pairwise(log) if each.at < before.at]
        assert not back, "the chain goes by time"
    assert clock.now() > max(each.starts_at for each in over) + timedelta(days=1)


async def _require_what_came_in(db: AsyncSession, host: Actor) -> None:
    """By message and by spreadsheet: what waits, what was put away, rows with errors."""
    assert [each.message_count for each in await list_threads(db, host)] == [2, 1]
    assert len(await list_threads(db, host, ThreadState.DISMISSED)) == 1
    waiting, entered = await list_imports(db, host)
    assert waiting.state is ImportState.CHECKED and entered.state is ImportState.DONE
    fates = [await count_fates(db, each.id) for each in (waiting, entered)]
    assert all(each[Fate.REFUSED] for each in fates) and fates[0][Fate.READY] and fates[1][Fate.ENTERED]
    wrong = {row.field for row in await list_rows(db, entered.id, Fate.REFUSED)}
    assert wrong == {"电话", "姓名", "类别", "身份证号", "原编号"}, "one column, one kind of error"


def _require_days_of_beijing(
    over: Sequence[Session], papers: Sequence[IssuedDocument], now: datetime
) -> None:
    """Whatever zone the machine is in: offices receive by day, on days they work, before today."""
    begun, today = [each.starts_at.astimezone(BEIJING) for each in over], now.astimezone(BEIJING).date()
    assert {8 <= each.hour < 18 and CALENDAR.is_working(each.date()) for each in begun} == {True}
    assert max(each.date() for each in begun) < today
    assert all(each.issued_on == each.issued_at.astimezone(BEIJING).date() <= today for each in papers)
