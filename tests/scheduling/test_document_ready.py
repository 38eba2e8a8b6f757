"""That a paper is there is told in the commit that issues it, and not to everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import Database
from cases.documents.document import IssuedDocument
from cases.handling.taking import take_step
from cases.intake.matter import PetitionIntake, ReplyBy
from cases.people import PersonDetails
from cases.petitions import Channel, RegisterPetition, register_petition
from cases.policy import SYSTEM
from scheduling.notices.document_ready import tell_issued
from scheduling.notices.notice import Notice
from tests.cases.documents.papers import issue
from tests.clock import FixedClock
from tests.factories import World
from tests.scheduling.test_telling import TELLING, Broken, broken_commit, die_after, kept

KEEPER, MOBILE = "chengguan.receptionist", "13800001234"


def before(db: AsyncSession) -> Callable[[], Awaitable[None]]:
    """The database is gone at the commit."""
    del db
    return broken_commit


def after(db: AsyncSession) -> Callable[[], Awaitable[None]]:
    """The program is gone right after it."""
    return partial(die_after, db)


async def refused_matter(
    db: AsyncSession, clock: FixedClock, world: World, phone: str = MOBILE, reply: ReplyBy = ReplyBy.PHONE
) -> str:
    """A matter for which a notice to its petitioner is due."""
    person = PersonDetails("李德福", phone)
    command = RegisterPetition(
        Channel.LETTER, "屋顶漏水", "漏。", person, world.chengguan.id, phone_required=bool(phone)
    )
    petition, _ = await register_petition(db, clock, SYSTEM, command)
    db.add(PetitionIntake(petition_id=petition.id, headcount=1, reply_by=reply, came_at=clock.now()))
    await db.commit()
    words = {"class": "claim", "way": "handle", "words": "修屋顶"}
    await take_step(db, clock, world.actor(KEEPER), petition.id, "classify", words)
    await take_step(db, clock, world.actor(KEEPER), petition.id, "refuse", {"words": "同一事项正在办理。"})
    return petition.id


async def issue_telling(
    db: AsyncSession, clock: FixedClock, world: World, case: str, kind: str = "refusal_notice"
) -> IssuedDocument:
    tell = partial(tell_issued, db, clock, TELLING)
    return await issue(db, clock, world.actor(KEEPER), case, kind, tell=tell)


async def test_a_paper_and_its_notice_are_one(
    database: Database, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.session() as db:
        case = await refused_matter(db, clock, world)
    for death, found in ((before, list[str]()), (after, ["document_ready"])):
        async with database.session() as db:
            with monkeypatch.context() as patch:
                patch.setattr(db, "commit", death(db))
                with pytest.raises(Broken):
                    await issue_telling(db, clock, world, case)
        async with database.session() as db:
            papers = (await db.scalars(select(IssuedDocument.number))).all()
        assert (len(papers), (await kept(database))[1]) == (len(found), found)
    async with database.session() as db:
        notice = (await db.scalars(select(Notice))).one()
        paper = (await db.scalars(select(IssuedDocument))).one()
    assert (notice.document_id, notice.organisation_id) == (paper.id, world.chengguan.id)
    assert f"出具了《{paper.title}》（{paper.number}）" in notice.text


async def test_who_wants_a_letter_or_has_no_mobile_number_gets_no_message(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    for phone, reply in (("", ReplyBy.LETTER), ("09312345678", ReplyBy.PHONE), (MOBILE, ReplyBy.LETTER)):
        case = await refused_matter(db, clock, world, phone, reply)
        await issue_telling(db, clock, world, case)
    assert (await db.scalars(select(Notice))).all() == []


async def test_what_offices_write_to_one_another_is_told_to_nobody(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    person = PersonDetails("李德福", MOBILE)
    command = RegisterPetition(Channel.WEB, "屋顶漏水", "漏。", person, world.chengguan.id)
    petition, _ = await register_petition(db, clock, SYSTEM, command)
    words = {"class": "claim", "way": "handle", "words": "修屋顶"}
    await take_step(db, clock, world.actor(KEEPER), petition.id, "classify", words)
    unit = {"unit": world.housing.id, "words": "请办理"}
    await take_step(db, clock, world.actor(KEEPER), petition.id, "forward", unit)
    await issue_telling(db, clock, world, petition.id, "transfer_sheet")
    assert (await db.scalars(select(Notice))).all() == []
