"""A paper says by which article it is written, and shuts out nothing that the law leaves open."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.documents.issuing import draft_document
from cases.documents.reading import list_documents
from cases.petitions import get_petition
from tests.cases.documents.test_papers import concluded, deliver, paper, text_of
from tests.cases.handling.test_taking import CLAIM, HANDLER, KEEPER, Desk
from tests.clock import FixedClock
from tests.factories import World, make_petition


@pytest.mark.parametrize(
    ("ground", "basis"),
    [
        ("agreed", "《信访工作条例》第三十三条。"),
        ("not_asked", "《信访工作条例》第三十五条、第三十六条。"),
        ("died", ""),
    ],
)
async def test_an_end_names_its_own_article_and_shuts_out_only_what_was_rechecked(
    db: AsyncSession, clock: FixedClock, world: World, ground: str, basis: str
) -> None:
    desk = Desk(db, clock, world, await make_petition(db, clock, world.chengguan))
    await concluded(desk)
    await deliver(desk, HANDLER, await paper(desk, HANDLER, "handling_opinion"))
    desk.clock.advance(days=40)
    await desk.take(KEEPER, "terminate", ground=ground, words="见附件。")
    draft = await draft_document(desk.db, desk.clock, desk.world.actor(KEEPER), desk.id, "termination_notice")
    assert (draft.prefilled()["basis"] == "") == (ground == "died"), "no article is made up"
    told = await text_of(desk, await paper(desk, KEEPER, "termination_notice"))
    assert basis in told and "不再受理" not in told
    assert ("可以重新提出" in told) == (ground != "died")


async def test_two_papers_of_one_moment_stand_as_the_procedure_names_them(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    desk = Desk(db, clock, world, await make_petition(db, clock, world.chengguan))
    await desk.take(KEEPER, "classify", **CLAIM)
    await desk.take(KEEPER, "assign", unit=world.housing.id, days="30", words="请办理。")
    await desk.take(HANDLER, "accept", on="", words="受理。")
    await desk.take(HANDLER, "conclude", conclusion="support", words="修好。")
    for kind in ("closing_report", "handling_opinion"):
        await paper(desk, HANDLER, kind)
    actor = world.actor(KEEPER)
    found = await list_documents(db, actor, await get_petition(db, actor, desk.id))
    assert [each.document.kind for each in found] == ["closing_report", "handling_opinion"]


@pytest.mark.parametrize(
    ("class_", "accepted", "answered"),
    [("claim", "第三十一条、第三十四条", "第三十二条"), ("suggestion", "第二十九条", "第二十九条")],
)
async def test_a_suggestion_is_accepted_and_answered_by_the_article_for_suggestions(
    db: AsyncSession, clock: FixedClock, world: World, class_: str, accepted: str, answered: str
) -> None:
    desk = Desk(db, clock, world, await make_petition(db, clock, world.chengguan))
    await desk.take(KEEPER, "classify", **CLAIM | {"class": class_})
    await desk.take(KEEPER, "forward", unit=world.housing.id, words="请办理。")
    await desk.take(HANDLER, "accept", on="", words="受理。")
    told = await text_of(desk, await paper(desk, HANDLER, "acceptance_notice"))
    assert f"\n《信访工作条例》{accepted}。" in told
    await desk.take(HANDLER, "conclude", conclusion="support", words="采纳。")
    told = await text_of(desk, await paper(desk, HANDLER, "handling_opinion"))
    assert f"\n《信访工作条例》{answered}。" in told
