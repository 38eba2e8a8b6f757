"""Review and recheck: by whom, in which time, what a hearing does to the clock, and how a matter ends."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionState
from cases.errors import Conflict, Forbidden, Invalid
from cases.handling.told import list_reviewers
from cases.petitions import get_petition
from tests.cases.documents.papers import issue
from tests.cases.handling.test_taking import HANDLER, KEEPER, Desk
from tests.clock import FixedClock
from tests.factories import World, make_petition

FIRST, SECOND = "chengguan.reviewer", "province.reviewer"
ASKED = {"on": "", "words": "不服处理意见。"}


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    """A case whose opinion was delivered on 22 July."""
    desk = Desk(db, clock, world, await make_petition(db, clock, world.chengguan))
    await desk.until_accepted()
    await desk.take(HANDLER, "conclude", conclusion="not_support", words="不属于维修范围。")
    return desk


async def delivered(desk: Desk) -> None:
    await desk.take(HANDLER, "deliver", service="post", on="", proof="EMS 1")


async def test_to_the_end_with_a_hearing(desk: Desk) -> None:
    await delivered(desk)
    assert (await desk.clocks())["review_apply"] == (date(2026, 8, 21), None)
    desk.clock.advance(days=9)
    first = {"reviewer": desk.world.chengguan.id}
    await desk.take(KEEPER, "request_review", **first, **ASKED)
    assert (await desk.clocks())["review_decide"] == (date(2026, 8, 31), None)
    with pytest.raises(Forbidden):
        await desk.take(SECOND, "decide_review", result="uphold", words="维持。")
    await desk.take(FIRST, "decide_review", result="uphold", words="维持。")
    await desk.take(FIRST, "deliver_review", service="post", on="", proof="EMS 2")
    with pytest.raises(Invalid) as again:
        await desk.take(KEEPER, "request_recheck", **first, **ASKED)
    assert again.value.code == "unit_unknown", "who decided before does not decide again"
    await desk.take(KEEPER, "request_recheck", reviewer=desk.world.province.id, **ASKED)
    assert (await desk.clocks())["recheck_decide"] == (date(2026, 8, 31), None)
    desk.clock.advance(days=5)
    await desk.take(SECOND, "begin_hearing", on="", words="公开听证。")
    assert (await desk.clocks())["recheck_decide"] == (None, None)
    with pytest.raises(Conflict) as twice:
        await desk.take(SECOND, "begin_hearing", on="", words="公开听证。")
    assert twice.value.code == "hearing_runs"
    desk.clock.advance(days=2)
    await desk.take(SECOND, "end_hearing", on="", words="听证结束。")
    # 5, 6 and 7 August are not counted: 30 August is three days later.
    assert (await desk.clocks())["recheck_decide"] == (date(2026, 9, 2), None)
    await desk.take(SECOND, "decide_recheck", result="uphold", words="维持复查意见。")
    rechecked = {"ground": "rechecked", "words": "复核意见已送达。"}
    with pytest.raises(Conflict) as undelivered:
        await desk.take(KEEPER, "terminate", **rechecked)
    assert undelivered.value.code == "not_delivered"
    await desk.take(SECOND, "deliver_recheck", service="in_person", on="", proof="签收")
    with pytest.raises(Invalid) as unfit:
        await desk.take(KEEPER, "terminate", ground="not_asked", words="没有请求复核。")
    assert (unfit.value.code, unfit.value.field) == ("ground_unfit", "ground")
    await desk.take(KEEPER, "terminate", ground="rechecked", words="复核意见已送达。")
    assert (await desk.take(KEEPER, "close", words="归档。")).state is PetitionState.CLOSED


async def test_the_office_above_may_be_asked(desk: Desk) -> None:
    await delivered(desk)
    desk.clock.advance(days=9)
    await desk.take(KEEPER, "request_review", reviewer=desk.world.city.id, **ASKED)
    asked = await get_petition(desk.db, desk.world.actor(HANDLER), desk.id)
    assert asked.state is PetitionState.REVIEW_REQUESTED
    assert asked.reviewer is not None and asked.reviewer.id == desk.world.city.id


async def test_a_review_that_orders_it_redone_starts_the_sixty_days_anew(desk: Desk) -> None:
    await delivered(desk)
    desk.clock.advance(days=9)
    await desk.take(KEEPER, "request_review", reviewer=desk.world.chengguan.id, **ASKED)
    redone = await desk.take(FIRST, "decide_review", result="redo", words="事实不清。")
    assert redone.state is PetitionState.ACCEPTED
    assert (await desk.clocks())["handle"] == (date(2026, 9, 29), None)
    names = [office.short_name for office in await list_reviewers(desk.db, redone, recheck=False)]
    assert names[0] == "城关区信访局", "the new opinion is reviewed where the old one was"


async def test_a_recheck_that_orders_it_redone_is_not_the_end(desk: Desk) -> None:
    await delivered(desk)
    await desk.take(KEEPER, "request_review", reviewer=desk.world.chengguan.id, **ASKED)
    await desk.take(FIRST, "decide_review", result="uphold", words="维持。")
    await desk.take(FIRST, "deliver_review", service="post", on="", proof="EMS 2")
    await desk.take(KEEPER, "request_recheck", reviewer=desk.world.province.id, **ASKED)
    desk.clock.advance(days=9)
    redone = await desk.take(SECOND, "decide_recheck", result="redo", words="事实不清。")
    assert redone.state is PetitionState.ACCEPTED
    assert (await desk.clocks())["handle"] == (date(2026, 9, 29), None)
    paper = await issue(desk.db, desk.clock, desk.world.actor(SECOND), desk.id, "recheck_opinion")
    words = " ".join(text for _, text in paper.paragraphs)
    assert "应当重新办理，自本意见作出之日起60日内办结" in words and "终结" not in words.partition("说明")[2]


async def test_nobodys_right_to_a_review_is_cut_off_by_an_end(desk: Desk) -> None:
    await delivered(desk)
    for step, given in (("close", {}), ("terminate", {"ground": "not_asked"})):
        with pytest.raises(Conflict) as early:
            await desk.take(KEEPER, step, words="没有请求复查。", **given)
        assert early.value.code == "right_runs" and "2026年8月21日" in early.value.message
    with pytest.raises(Invalid) as unfit:
        await desk.take(KEEPER, "terminate", ground="rechecked", words="终结。")
    assert unfit.value.code == "ground_unfit"
    desk.clock.advance(days=31)
    ended = await desk.take(KEEPER, "terminate", ground="not_asked", words="没有请求复查。")
    assert ended.state is PetitionState.TERMINATED


async def test_who_agrees_needs_no_thirty_days(desk: Desk) -> None:
    await delivered(desk)
    ended = await desk.take(KEEPER, "terminate", ground="agreed", words="书面表示没有异议。")
    assert ended.state is PetitionState.TERMINATED


async def test_not_before_it_was_delivered_and_not_after_thirty_days(desk: Desk) -> None:
    reviewer = desk.world.chengguan.id
    for step, given in (("request_review", {"reviewer": reviewer}), ("terminate", {"ground": "agreed"})):
        with pytest.raises(Conflict) as early:
            await desk.take(KEEPER, step, **given, **ASKED)
        assert early.value.code == "not_delivered"
    await delivered(desk)
    desk.clock.advance(days=31)
    with pytest.raises(Conflict) as late:
        await desk.take(KEEPER, "request_review", reviewer=reviewer, **ASKED)
    assert late.value.code == "review_late"
    # It reached the office in time and is only entered now.
    await desk.take(KEEPER, "request_review", reviewer=reviewer, on="2026-08-20", words="不服。")


async def test_who_reviews(desk: Desk) -> None:
    petition = await get_petition(desk.db, desk.world.actor(KEEPER), desk.id)
    names = [office.short_name for office in await list_reviewers(desk.db, petition, recheck=False)]
    assert names == ["城关区信访局", "市信访局", "省信访局"]
