"""A review that was asked for is the work of the office that decides, from the commit that took it in."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Forbidden
from cases.handling.board import Which, list_open_clocks
from cases.register.reviews import list_reviews_due
from scheduling.requests.review_requests import AskReview, request_review
from tests.cases.documents.papers import issue
from tests.clock import FixedClock
from tests.factories import World
from tests.scheduling.test_document_ready import after, before
from tests.scheduling.test_review_requests import FIRST, HANDLER, KEEPER, Matter
from tests.scheduling.test_telling import TELLING, Broken

ABOVE = "province.reviewer"


@pytest.fixture
async def asked(
    database: Database, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> Matter:
    """Asked for twice: once the database was gone at the commit, once the program right after it."""
    async with database.session() as db:
        matter = Matter(db, clock, world)
        await matter.conclude()
        await matter.deliver(HANDLER, "deliver")
        opinion = (await matter.appeal()).opinion
    command = AskReview(matter.number, matter.code, "review", opinion, "没有看现场。")
    for death, found in ((before, 0), (after, 1)):
        async with database.session() as db:
            with monkeypatch.context() as patch:
                patch.setattr(db, "commit", death(db))
                with pytest.raises(Broken):
                    await request_review(db, clock, TELLING, command)
        async with database.session() as db:
            assert len(await list_reviews_due(db, world.actor(FIRST))) == found
    return matter


async def test_it_waits_until_it_is_decided(asked: Matter, database: Database) -> None:
    clock, world = asked.clock, asked.world
    async with database.session() as db:
        asked.db = db
        (row,) = await list_reviews_due(db, world.actor(FIRST))
        assert (row.number, row.duty, row.new) == (asked.number, "review_decide", True)
        assert (f"{row.asked_on}", f"{row.due_on}") == ("2026-07-22", "2026-08-21")
        (listed,) = await list_open_clocks(db, clock, world.actor(FIRST), Which.ALL)
        assert listed.unit == world.chengguan.short_name, "who has to act, not who handled it before"
        assert await list_reviews_due(db, world.actor(ABOVE)) == [], "an office below decides"
        for who in (KEEPER, HANDLER):
            with pytest.raises(Forbidden):
                await list_reviews_due(db, world.actor(who))
        await issue(db, clock, world.actor(FIRST), asked.id, "review_receipt")
        (row,) = await list_reviews_due(db, world.actor(FIRST))
        assert not row.new
        await asked.take(FIRST, "decide_review", result="redo", words="现场没有看，重新办理。")
        assert await list_reviews_due(db, world.actor(FIRST)) == [], "it is the unit's again"
        clock.advance(days=1)
        await asked.take(HANDLER, "conclude", conclusion="not_support", words="看了现场，仍不支持。")
        await asked.deliver(HANDLER, "deliver")
        assert await asked.ask() == ""
        (row,) = await list_reviews_due(db, world.actor(FIRST))
        assert row.new, "the receipt of the first request is none of the second"
        await asked.take(FIRST, "decide_review", result="uphold", words="维持。")
        assert await list_reviews_due(db, world.actor(FIRST)) == []
        await asked.deliver(FIRST, "deliver_review")
        assert await asked.ask("recheck") == ""
        assert await list_reviews_due(db, world.actor(FIRST)) == [], "the office above decides"


async def test_the_accused_office_finds_nothing(asked: Matter, database: Database) -> None:
    async with database.session() as db:
        accused = update(PetitionCase).values(accused_organisation_id=asked.world.chengguan.id)
        await db.execute(accused)
        assert await list_reviews_due(db, asked.world.actor(FIRST)) == []
