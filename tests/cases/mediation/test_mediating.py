"""Mediation: consent of both sides, places and their hours, conflicts of interest, agreement, and its end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel
from cases.clock import BEIJING
from cases.documents.letter import Letter
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.mediation.agreement import (
    conclude_agreement,
    list_own_agreements,
    read_agreement,
    read_own_agreement,
)
from cases.mediation.board import Which, count_mediations, get_mediation, list_events, list_mediations
from cases.mediation.consenting import record_consent
from cases.mediation.matter import (
    BINDING,
    OPEN,
    TRANSITIONS,
    Mediation,
    MediationState,
    MediationStep,
    Side,
)
from cases.mediation.mediating import (
    NewMediation,
    NewParty,
    load_mediation,
    open_mediation,
    take_mediation_step,
    turn_into_petition,
)
from cases.mediation.mediating import (
    arrange_sitting as arrange_at,
)
from cases.mediation.third_party import end_third_party, name_conflict
from cases.petitions import find_by_query_code, list_petition_events
from scheduling.booking.engagements import refuse_engaged_mediator
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.mediations import KEEPER, make_mediation, make_place, make_ready, make_third_party

S = MediationState
NINE = datetime(2026, 7, 23, 9, 0, tzinfo=BEIJING)  # A Thursday.
HOUR = timedelta(hours=1)
GIVEN = {
    "facts": "六月楼上漏水，泡坏屋顶。",
    "dispute": "赔多少；赵六承担全部责任。",
    "content": "赵六赔偿 3000 元。",
    "performance": "银行转账，一次付清。",
    "due_on": "2026-08-22",
    "effective_on": "2026-07-22",
}
LETTERS: list[Letter] = []


async def render(letter: Letter) -> bytes:
    LETTERS.append(letter)
    return b"%PDF-agreement"


arrange_sitting = partial(arrange_at, refuse_engaged=refuse_engaged_mediator)


async def sit(db: AsyncSession, clock: FixedClock, world: World, made: Mediation) -> None:
    place = await make_place(db, clock, world)
    await arrange_sitting(db, clock, world.actor(KEEPER), made.id, place.id, NINE, NINE + HOUR)


def test_every_state_is_reached_and_only_two_have_no_way_out() -> None:
    reached = {S.RECEIVED, *TRANSITIONS.moves.values()}
    assert reached == set(S)
    assert set(S) - {state for state, _ in TRANSITIONS.moves} == {S.PERFORMED, S.TURNED}
    assert not OPEN & BINDING


async def test_without_the_consent_of_both_nothing_is_arranged_and_whoever_withdraws_ends_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    actor, mediator = world.actor(KEEPER), await make_third_party(db, clock, world)
    made = await make_mediation(db, clock, world, mediator_id=mediator.id)
    place = await make_place(db, clock, world)
    first, second = made.parties
    arrange = db, clock, actor, made.id, place.id, NINE, NINE + HOUR
    await record_consent(db, clock, actor, made.id, first.id, True, "spoken", "我愿意。")
    with pytest.raises(Conflict) as refused:
        await arrange_sitting(*arrange)
    assert refused.value.code == "no_consent"
    with pytest.raises(Invalid, match="原话"):
        await record_consent(db, clock, actor, made.id, second.id, True, "signed", " ")
    await record_consent(db, clock, actor, made.id, second.id, True, "signed", "同意书存档案柜。")
    assert (await load_mediation(db, made.id)).state is S.CONSENTED
    await arrange_sitting(*arrange)
    assert (await load_mediation(db, made.id)).state is S.MEDIATING
    await record_consent(db, clock, actor, made.id, second.id, False, "spoken", "不调了。")
    assert (await load_mediation(db, made.id)).state is S.RECEIVED
    with pytest.raises(Conflict):
        await arrange_sitting(*arrange)
    told = [event.step for event in await list_events(db, made.id)]
    assert told == [None, MediationStep.CONSENT, MediationStep.SIT, MediationStep.REFUSE]


async def test_a_place_receives_one_mediation_at_a_time_while_it_is_open(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made, place, actor = (
        await make_ready(db, clock, world),
        await make_place(db, clock, world),
        world.actor(KEEPER),
    )
    for begin in (NINE - HOUR, NINE + 8 * HOUR, NINE + timedelta(days=2)):
        with pytest.raises(Invalid, match="不开放"):
            await arrange_sitting(db, clock, actor, made.id, place.id, begin, begin + HOUR)
    await arrange_sitting(db, clock, actor, made.id, place.id, NINE, NINE + HOUR)
    with pytest.raises(Conflict, match="已经有调解"):
        await arrange_sitting(db, clock, actor, made.id, place.id, NINE + HOUR / 2, NINE + 2 * HOUR)
    await arrange_sitting(db, clock, actor, made.id, place.id, NINE + HOUR, NINE + 2 * HOUR)


async def test_an_interest_is_named_and_refused(db: AsyncSession, clock: FixedClock, world: World) -> None:
    actor = world.actor(KEEPER)
    same, kin = (
        await make_third_party(db, clock, world, name="赵六"),
        await make_third_party(db, clock, world),
    )
    await name_conflict(db, clock, actor, kin.id, "赵六", "是赵六的堂兄")
    for one in (same, kin):
        with pytest.raises(Conflict, match="回避") as refused:
            await make_mediation(db, clock, world, mediator_id=one.id)
        assert refused.value.code == "conflict_of_interest"
    gone = await make_third_party(db, clock, world, since="2026-07-01")
    await end_third_party(db, clock, actor, gone.id)
    clock.advance(days=1)
    with pytest.raises(Conflict, match="不在聘期"):
        await make_mediation(db, clock, world, mediator_id=gone.id)
    lawyer = await make_third_party(db, clock, world, kind="lawyer", name="钱律师")
    with pytest.raises(Invalid):
        await make_mediation(db, clock, world, mediator_id=lawyer.id)


async def test_an_interest_that_is_learnt_later_stops_the_next_sitting(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made, place, actor = (
        await make_ready(db, clock, world),
        await make_place(db, clock, world),
        world.actor(KEEPER),
    )
    assert made.mediator is not None
    await name_conflict(db, clock, actor, made.mediator.id, "李德福", "是邻居，有债务")
    with pytest.raises(Conflict, match="有债务"):
        await arrange_sitting(db, clock, actor, made.id, place.id, NINE, NINE + HOUR)


async def test_a_written_agreement_says_what_the_law_asks_and_is_followed(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    actor, made = world.actor(KEEPER), await make_ready(db, clock, world)
    with pytest.raises(Conflict):
        await conclude_agreement(db, clock, actor, made.id, GIVEN, render)
    await sit(db, clock, world, made)
    for name in ("facts", "dispute", "content", "performance", "due_on"):
        with pytest.raises(Invalid) as refused:
            await conclude_agreement(db, clock, actor, made.id, GIVEN | {name: ""}, render)
        assert refused.value.field == name
    agreement = await conclude_agreement(db, clock, actor, made.id, GIVEN, render)
    words = "\n".join(each.text for each in LETTERS[-1].paragraphs)
    for part in ("李德福", "赵六", "酒泉路 12 号", *list(GIVEN.values())[:4], "2026年8月22日", "马调解"):
        assert part in words
    assert agreement.confirm_until == date(2026, 8, 21) and agreement.template_version == 1
    assert await read_agreement(db, actor, made.id) == b"%PDF-agreement"
    assert [each.mediation.id for each in await list_mediations(db, clock, actor, Which.CONFIRMABLE)] == [
        made.id
    ]
    clock.advance(days=31)
    assert not await list_mediations(db, clock, actor, Which.CONFIRMABLE)
    clock.advance(days=1)
    counts = await count_mediations(db, clock, actor)
    assert (counts[Which.LATE], counts[Which.PERFORMING], counts[Which.OPEN]) == (1, 1, 0)
    await take_mediation_step(db, clock, actor, made.id, "confirm", "（2026）甘 0102 诉前调确 1 号")
    await take_mediation_step(db, clock, actor, made.id, "perform", "已经付清。")
    with pytest.raises(Conflict):
        await take_mediation_step(db, clock, actor, made.id, "breach", "没有付。")


async def test_a_spoken_agreement_is_noted_without_a_paper(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    actor, made = world.actor(KEEPER), await make_ready(db, clock, world)
    await sit(db, clock, world, made)
    given = GIVEN | {"spoken": "yes", "dispute": "", "performance": ""}
    with pytest.raises(Invalid):
        await conclude_agreement(db, clock, actor, made.id, given | {"content": ""}, render)
    agreement = await conclude_agreement(db, clock, actor, made.id, given, render)
    assert agreement.spoken and not agreement.sha256
    with pytest.raises(NotFound):
        await read_agreement(db, actor, made.id)


async def test_what_stays_unsettled_becomes_a_case_of_the_applicant(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    actor, made = world.actor(KEEPER), await make_ready(db, clock, world)
    with pytest.raises(Conflict):
        await turn_into_petition(db, clock, actor, made.id, "visit")
    await sit(db, clock, world, made)
    await conclude_agreement(db, clock, actor, made.id, GIVEN, render)
    await take_mediation_step(db, clock, actor, made.id, "breach", "赵六没有付。")
    with pytest.raises(Invalid):
        await turn_into_petition(db, clock, actor, made.id, "rumour")
    petition, code = await turn_into_petition(db, clock, actor, made.id, "phone")
    assert petition.channel is Channel.PHONE and petition.petitioner.name == "李德福"
    assert await find_by_query_code(db, petition.number, code) is not None
    kinds = [(event.kind, event.data) for event in await list_petition_events(db, actor, petition.id)]
    assert kinds[-1] == ("mediation.turned", {"number": made.number})
    held = await load_mediation(db, made.id)
    assert held.state is S.TURNED and held.petition_id == petition.id
    own = await list_own_agreements(db, petition.id, "李德福")
    assert [each.mediation_id for each in own] == [made.id]
    assert await read_own_agreement(db, petition.id, "李德福", made.id) == b"%PDF-agreement"
    for stranger in ("王五", ""):
        with pytest.raises(NotFound):
            await read_own_agreement(db, petition.id, stranger, made.id)


async def test_in_the_course_of_a_case_it_goes_back_to_that_case(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition_id = (await make_petition(db, clock, world.chengguan)).id
    actor, made = world.actor(KEEPER), await make_mediation(db, clock, world, petition_id)
    await take_mediation_step(db, clock, actor, made.id, "end", "赵六不愿意。")
    petition, code = await turn_into_petition(db, clock, actor, made.id, "")
    assert (petition.id, code) == (petition_id, "")


async def test_only_who_keeps_it_and_the_office_right_above_know_of_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    clerk = world.actor("station.station_clerk")
    parties = (NewParty(Side.APPLICANT, "甲"), NewParty(Side.RESPONDENT, "乙"))
    made = await open_mediation(
        db, clock, clerk, NewMediation(world.station.id, "相邻纠纷", "采光。", parties)
    )
    above = world.actor(KEEPER)
    assert (await get_mediation(db, above, made.id)).number == "TJ2026-000001"
    assert len(await list_mediations(db, clock, above)) == 1
    with pytest.raises(Forbidden):
        await take_mediation_step(db, clock, above, made.id, "end", "不归我。")
    for key in ("city.receptionist", "xigu.receptionist"):
        assert not await list_mediations(db, clock, world.actor(key))
        with pytest.raises(NotFound):
            await get_mediation(db, world.actor(key), made.id)
    for key in ("chengguan.reviewer", "city.inspector", "housing.handler"):
        with pytest.raises((Forbidden, NotFound)):
            await get_mediation(db, world.actor(key), made.id)


async def test_one_side_alone_is_no_mediation_and_what_is_wrong_is_told_at_its_field(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    def command(*parties: NewParty) -> NewMediation:
        return NewMediation(world.chengguan.id, "相邻纠纷", "采光。", parties)

    actor, one = world.actor(KEEPER), NewParty(Side.APPLICANT, "甲")
    for wrong, field in (
        ((one,), "parties"),
        ((one, NewParty(Side.RESPONDENT, " ")), "respondent_name"),
        ((one, NewParty(Side.RESPONDENT, "乙", "12")), "respondent_phone"),
    ):
        with pytest.raises(Invalid) as refused:
            await open_mediation(db, clock, actor, command(*wrong))
        assert refused.value.field == field


async def test_whoever_was_quicker_is_named_and_nothing_is_written(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    actor, made = world.actor(KEEPER), await make_ready(db, clock, world)
    await sit(db, clock, world, made)

    async def slow(letter: Letter) -> bytes:
        quicker = update(Mediation).where(Mediation.id == made.id).values(step_count=99)
        await db.execute(quicker, execution_options={"synchronize_session": False})
        return b"%PDF-"

    with pytest.raises(Conflict) as refused:
        await conclude_agreement(db, clock, actor, made.id, GIVEN, slow)
    assert refused.value.code == "mediation_moved"
    assert (await load_mediation(db, made.id)).state is S.MEDIATING
