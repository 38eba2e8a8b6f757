"""A petitioner asks for a review and a recheck: in time, of the opinion that came, once, and is told so."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionState
from cases.errors import Conflict, Invalid, NotFound
from cases.handling.clocks import find_running
from cases.handling.procedure import Taker
from cases.handling.taking import may_take, take_step
from cases.people import PersonDetails
from cases.petitions import Channel, RegisterPetition, load_petition, register_petition
from cases.policy import SYSTEM
from scheduling.afterwards.progress import list_progress
from scheduling.notices.notice import Notice
from scheduling.requests.review_requests import AskReview, Standing, appeal_of, request_review
from tests.cases.documents.papers import deliver_step, issue
from tests.clock import FixedClock
from tests.factories import World
from tests.scheduling.test_telling import TELLING

KEEPER, HANDLER, FIRST = "chengguan.receptionist", "housing.handler", "chengguan.reviewer"
HANDLED = {"class": "claim", "way": "handle", "words": "修屋顶"}


class Matter:
    """A matter that was concluded, with the number and code of its petitioner."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World) -> None:
        self.db, self.clock, self.world = db, clock, world

    async def conclude(self) -> None:
        person = PersonDetails("李德福", "13800001234")
        command = RegisterPetition(Channel.WEB, "屋顶漏水", "漏。", person, self.world.chengguan.id)
        petition, self.code = await register_petition(self.db, self.clock, SYSTEM, command)
        self.id, self.number = petition.id, petition.number
        await self.take(KEEPER, "classify", **HANDLED)
        await self.take(KEEPER, "forward", unit=self.world.housing.id, words="请办理")
        await self.take(HANDLER, "accept", on="", words="受理。")
        await self.take(HANDLER, "conclude", conclusion="not_support", words="不支持。")

    async def take(self, who: str, step: str, **given: str) -> None:
        await take_step(self.db, self.clock, self.world.actor(who), self.id, step, given)

    async def deliver(self, who: str, step: str) -> None:
        await deliver_step(self.db, self.clock, self.world.actor(who), self.id, step)

    async def appeal(self) -> SimpleNamespace:
        """What the page shows; empty fields where there is nothing to ask for."""
        found = await appeal_of(self.db, self.clock, await load_petition(self.db, self.id))
        return SimpleNamespace(
            stage=found.stage if found else "", standing=found.standing if found else None,
            opinion=found.opinion.id if found and found.opinion else "",
            office=found.office.name if found and found.office else "", until=found.until if found else None,
        )  # fmt: skip

    async def ask(self, stage: str = "review", opinion: str = "", words: str = "没有看现场。") -> str:
        """The code of the refusal, or "" when it was taken."""
        opinion = opinion or (await self.appeal()).opinion
        asked = AskReview(self.number, self.code, stage, opinion, words)
        try:
            await request_review(self.db, self.clock, TELLING, asked)
        except (Conflict, Invalid) as error:
            return error.code
        return ""


@pytest.fixture
async def matter(db: AsyncSession, clock: FixedClock, world: World) -> Matter:
    matter = Matter(db, clock, world)
    await matter.conclude()
    return matter


async def test_from_the_opinion_to_the_recheck(matter: Matter) -> None:
    db, clock, world = matter.db, matter.clock, matter.world
    assert (await matter.appeal()).standing is Standing.NOT_DELIVERED
    assert await matter.ask() == "appeal_not_delivered"
    await matter.deliver(HANDLER, "deliver")
    clock.advance(days=30)
    found = await matter.appeal()
    assert (found.standing, found.office, found.until) == (Standing.OPEN, "城关区信访局", date(2026, 8, 21))
    assert await matter.ask("recheck") == "wrong_stage"
    assert await matter.ask(words=" ") == "required"
    assert await matter.ask(opinion="0" * 32) == "other_opinion"
    with pytest.raises(NotFound):
        wrong = AskReview(matter.number, "aaaaaaaaaa", "review", found.opinion, "没有看现场。")
        await request_review(db, clock, TELLING, wrong)
    assert (await db.scalars(select(Notice))).all() == []
    assert await matter.ask() == ""
    petition = await load_petition(db, matter.id)
    assert (petition.state, petition.reviewer_id) == (PetitionState.REVIEW_REQUESTED, world.chengguan.id)
    assert may_take(world.actor(FIRST), petition, Taker.REVIEWER)
    running = await find_running(db, matter.id, "review_decide")
    assert running is not None and running.rolled_on == date(2026, 9, 20)
    assert [step.words for step in await list_progress(db, petition)][-1] == "已收到复查请求"
    (notice,) = (await db.scalars(select(Notice))).all()
    assert notice.text == (
        f"【连心桥】已收到您对信访件 {matter.number} 的复查请求，由城关区信访局办理，"
        "最迟2026年9月20日书面答复您。可在连心桥用编号和查询码查看进度。有疑问请打 12345。"
    )
    assert await matter.ask() == "review_asked"
    await matter.take(FIRST, "decide_review", result="uphold", words="维持。")
    await matter.deliver(FIRST, "deliver_review")
    assert await matter.ask() == "review_asked"
    found = await matter.appeal()
    assert (found.stage, found.office) == ("recheck", "兰州市信访局")
    assert await matter.ask("recheck") == ""
    assert (await load_petition(db, matter.id)).state is PetitionState.RECHECK_REQUESTED
    assert await find_running(db, matter.id, "recheck_decide") is not None
    assert await matter.ask("recheck") == "review_asked"


async def test_the_day_after_the_last_is_too_late(matter: Matter) -> None:
    await matter.deliver(HANDLER, "deliver")
    matter.clock.advance(days=31)
    assert (await matter.appeal()).standing is Standing.LATE
    assert await matter.ask() == "appeal_late"
    assert (await load_petition(matter.db, matter.id)).state is PetitionState.CONCLUDED


async def test_an_opinion_that_was_corrected_is_read_first(matter: Matter) -> None:
    await matter.deliver(HANDLER, "deliver")
    old, handler = (await matter.appeal()).opinion, matter.world.actor(HANDLER)
    new = await issue(
        matter.db, matter.clock, handler, matter.id, "handling_opinion", corrects=old, correction="日期写错"
    )
    assert (await matter.appeal()).opinion == new.id
    assert await matter.ask(opinion=old) == "other_opinion"
