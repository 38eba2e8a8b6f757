"""A campaign: matters under leaders, the four duties, striking off by evidence, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.board import (
    NO_RANK,
    Narrowed,
    OfficeStanding,
    Standing,
    Which,
    count_matters,
    list_campaigns,
    list_matters,
    list_office_standings,
    list_own_matters,
    list_standings,
)
from cases.campaigns.campaign import (
    TRANSITIONS,
    CampaignKind,
    CampaignMatter,
    CampaignStepKind,
    FourDuty,
    MatterState,
    Rank,
)
from cases.campaigns.conducting import OpenCampaign, TakeInCharge, open_campaign, take_in_charge
from cases.campaigns.following import (
    Evidence,
    count_to_confirm,
    list_confirmers,
    list_steps,
    list_to_confirm,
    load_matter,
    note_step,
    read_evidence,
    steps_for,
)
from cases.casefile import PetitionClass
from cases.documents.delivering import Upload
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import today
from cases.petitions import let_see, list_petition_events
from cases.task import TaskState, list_tasks
from tests.clock import FixedClock
from tests.factories import World, make_petition

K = CampaignStepKind
KEEPER = "chengguan.leader"
TARGETS = {Rank.CITY: 10, Rank.COUNTY: 100, Rank.SECTION: 1000}
PDF = b"%PDF-1.7 agreement"
PAPER = Evidence(upload=Upload("协议.pdf", PDF))


async def begin(
    db: AsyncSession, clock: FixedClock, world: World, leader: str = "", **more: object
) -> CampaignMatter:
    """A campaign of the city, and a case of 城关区 that a leader of the city has taken in charge."""
    day = today(clock)
    opened = OpenCampaign(world.city.id, CampaignKind.LEADERS, "十百千", day, day + timedelta(90), TARGETS)
    campaign = await open_campaign(db, clock, world.actor("city.leader"), opened)
    petition = await make_petition(db, clock, world.chengguan, **more)
    leader_id = world.officials[leader].id if leader else ""
    given = TakeInCharge(
        campaign.id, petition.id, Rank.CITY, "刘志强", "每周听一次汇报。", day + timedelta(30), leader_id
    )
    return await take_in_charge(db, clock, world.actor(KEEPER), given)


async def test_whoever_is_waited_for_is_told_and_everybody_else_who_it_is(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    matter = await begin(db, clock, world, "city.leader")
    keeper, leader, inspector = (world.actor(key) for key in (KEEPER, "city.leader", "city.inspector"))
    assert not await list_to_confirm(db, inspector) and not await list_confirmers(db, keeper, matter)
    await note_step(db, clock, keeper, matter.id, K.PROPOSED, "已经解决。", evidence=PAPER)
    matter = await held(db, matter)
    assert [each.id for each in await list_to_confirm(db, inspector)] == [matter.id]
    for own in (keeper, leader, world.actor("xigu.leader")):
        assert not await list_to_confirm(db, own), "neither who proposed nor who leads, nor a stranger"
        assert not await count_to_confirm(db, own)
    assert await count_to_confirm(db, inspector) == 1
    assert not await list_confirmers(db, inspector, matter), "it is his own turn"
    (found,) = await list_confirmers(db, leader, matter)
    barred = {world.officials[key].name for key in (KEEPER, "city.leader")}
    assert found.names and not barred & set(found.names)
    for name in found.names:
        (key,) = [key for key, official in world.officials.items() if official.name == name]
        assert K.STRUCK_OFF in await steps_for(db, world.actor(key), matter), name


async def held(db: AsyncSession, matter: CampaignMatter) -> CampaignMatter:
    return await load_matter(db, matter.id)


def test_every_state_of_a_matter_can_be_left() -> None:
    assert {state for state, _ in TRANSITIONS.moves} == set(TRANSITIONS.moves.values()) == set(MatterState)


async def test_a_matter_is_taken_in_charge_and_struck_off_by_evidence_that_another_confirms(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    leader, keeper, day = world.actor("city.leader"), world.actor(KEEPER), today(clock)
    opened = OpenCampaign(world.city.id, CampaignKind.LEADERS, "十百千", day, day, {})
    with pytest.raises((Forbidden, NotFound)):
        await open_campaign(db, clock, keeper, opened)
    matter = await begin(db, clock, world)
    matter_id = matter.id
    again = TakeInCharge(
        matter.campaign_id, matter.petition_id, Rank.CITY, "刘志强", "听汇报。", day + timedelta(30)
    )
    with pytest.raises(Conflict, match="已经列入"):
        await take_in_charge(db, clock, keeper, again)
    matter = await load_matter(db, matter_id)
    await note_step(db, clock, keeper, matter.id, K.DUTY, "见了本人。", FourDuty.SITUATION)
    with pytest.raises(Invalid):
        await note_step(db, clock, keeper, matter.id, K.DUTY, "见了本人。", "another")
    with pytest.raises(Invalid) as refused:
        await note_step(db, clock, keeper, matter.id, K.PROPOSED, "已经解决。")
    assert refused.value.code == "evidence_required"
    for kind in (K.STRUCK_OFF, K.TAKEN_UP_AGAIN):
        with pytest.raises((Conflict, Forbidden)):
            await note_step(db, clock, leader, matter.id, kind, "直接销号。")
    with pytest.raises((Forbidden, NotFound)):
        await note_step(db, clock, world.actor("xigu.leader"), matter.id, K.PROGRESS, "不归我。")
    await note_step(db, clock, keeper, matter.id, K.PROPOSED, "签订调解协议，已经履行。", evidence=PAPER)
    with pytest.raises(Forbidden) as own:
        await note_step(db, clock, keeper, matter.id, K.STRUCK_OFF, "属实。")
    assert own.value.code == "confirmed_by_another"
    with pytest.raises(Forbidden):
        await note_step(db, clock, world.actor("chengguan.receptionist"), matter.id, K.STRUCK_OFF, "属实。")
    step = (await list_steps(db, matter.id))[-1]
    assert (await read_evidence(db, leader, matter.id, step.id)).content == PDF
    await note_step(db, clock, leader, matter.id, K.SENT_BACK, "再看一次。")
    await note_step(db, clock, keeper, matter.id, K.PROPOSED, "已经履行。", evidence=PAPER)
    await note_step(db, clock, leader, matter.id, K.STRUCK_OFF, "属实。")
    assert (await held(db, matter)).resolved_on == day
    assert await list_standings(db, leader, matter.campaign_id) == [
        Standing(Rank.CITY, 10, 1, 1), Standing(Rank.COUNTY, 100, 0, 0), Standing(Rank.SECTION, 1000, 0, 0)
    ]  # fmt: skip
    await note_step(db, clock, keeper, matter.id, K.TAKEN_UP_AGAIN, "协议没有履行。")
    kinds = [step.kind for step in await list_steps(db, matter.id)]
    assert kinds == [
        *(K.ENTERED, K.DUTY, K.PROPOSED, K.SENT_BACK, K.PROPOSED, K.STRUCK_OFF, K.TAKEN_UP_AGAIN)
    ]
    history = [event.kind for event in await list_petition_events(db, keeper, matter.petition_id)]
    assert [kind for kind in history if kind.startswith("campaign.")] == [
        f"campaign.{kind}" for kind in kinds if kind is not K.DUTY
    ]


async def test_the_leader_works_on_it_wherever_it_lies_and_confirms_nothing_of_his_own(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    matter, leader = await begin(db, clock, world, "city.leader"), world.actor("city.leader")
    assert [each.id for each in await list_own_matters(db, leader)] == [matter.id]
    assert matter.leader == world.officials["city.leader"].name and matter.organisation_id == world.city.id
    assert K.PROGRESS in await steps_for(db, leader, await held(db, matter))
    assert not await steps_for(db, world.actor("city.receptionist"), await held(db, matter))
    await note_step(db, clock, leader, matter.id, K.PROGRESS, "到现场看过。")
    await note_step(db, clock, world.actor(KEEPER), matter.id, K.PROPOSED, "已经解决。", evidence=PAPER)
    assert await steps_for(db, leader, await held(db, matter)) == []
    with pytest.raises(Forbidden) as refused:
        await note_step(db, clock, leader, matter.id, K.STRUCK_OFF, "属实。")
    assert refused.value.code == "confirmed_by_another"
    await note_step(db, clock, world.actor("city.inspector"), matter.id, K.STRUCK_OFF, "属实。")
    assert await list_own_matters(db, leader) == []
    assert [each.id for each in await list_own_matters(db, leader, done=True)] == [matter.id]


async def test_a_task_of_the_case_reminds_until_the_matter_is_struck_off(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    matter, keeper = await begin(db, clock, world), world.actor(KEEPER)
    (task,) = await list_tasks(db, matter.petition_id)
    assert (task.task.due_on, task.task.person, task.state) == (matter.due_on, "刘志强", TaskState.OPEN)
    clock.advance(days=40)
    await note_step(db, clock, keeper, matter.id, K.PROPOSED, "已经解决。", evidence=PAPER)
    await note_step(db, clock, world.actor("city.leader"), matter.id, K.STRUCK_OFF, "属实。")
    assert [each.state for each in await list_tasks(db, matter.petition_id)] == [TaskState.DONE]
    await note_step(db, clock, keeper, matter.id, K.TAKEN_UP_AGAIN, "又来了。")
    assert {each.state: each.task.due_on for each in await list_tasks(db, matter.petition_id)} == {
        TaskState.DONE: matter.due_on,
        TaskState.OPEN: today(clock),
    }


async def test_an_accusation_stands_on_no_board_not_even_as_a_number(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    keeper, day = world.actor(KEEPER), today(clock)
    opened = OpenCampaign(world.city.id, CampaignKind.LEADERS, "十百千", day, day + timedelta(90), {})
    campaign = await open_campaign(db, clock, world.actor("city.leader"), opened)
    secret = {"class_": PetitionClass.ACCUSATION, "accused_organisation_id": world.xigu.id}
    petition = await make_petition(db, clock, world.chengguan, **secret)
    for key in (KEEPER, "xigu.leader"):
        await let_see(db, clock, petition.id, world.officials[key].id)
    await db.commit()
    given = TakeInCharge(campaign.id, petition.id, Rank.CITY, "刘志强", "听汇报。", day + timedelta(30))
    with pytest.raises(Invalid) as refused:
        await take_in_charge(db, clock, keeper, replace(given, leader_id=world.officials["city.leader"].id))
    assert refused.value.code == "leader_cannot_see"
    await take_in_charge(db, clock, keeper, given)
    assert (await list_standings(db, keeper, campaign.id))[0].entered == 1
    assert len(await list_matters(db, clock, keeper, campaign.id)) == 1
    for key in ("city.leader", "xigu.leader", "chengguan.receptionist"):
        actor = world.actor(key)
        assert await list_standings(db, actor, campaign.id) == []
        assert await list_office_standings(db, clock, actor, campaign.id) == []
        assert await list_matters(db, clock, actor, campaign.id) == []


async def test_a_board_stands_by_office_with_what_is_overdue_and_what_waits(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    matter, keeper = await begin(db, clock, world, "city.leader"), world.actor(KEEPER)
    clock.advance(days=31)
    reader = world.actor("province.receptionist")
    assert (await held(db, matter)).is_late(today(clock))
    counts = await count_matters(db, clock, reader, matter.campaign_id)
    assert (counts[Which.OPEN], counts[Which.OVERDUE], counts[Which.PROPOSED]) == (1, 1, 0)
    await note_step(db, clock, keeper, matter.id, K.PROPOSED, "已经解决。", evidence=PAPER)
    assert await list_office_standings(db, clock, reader, matter.campaign_id) == [
        OfficeStanding(world.city.id, "市信访局", Rank.CITY, 1, 1, 1, 0)
    ]
    for narrowed, wanted in (
        (Narrowed(str(Rank.CITY)), 1), (Narrowed(str(Rank.COUNTY)), 0), (Narrowed(NO_RANK), 0),
        (Narrowed(office_id=world.city.id), 1), (Narrowed(office_id=world.xigu.id), 0),
    ):  # fmt: skip
        counts = await count_matters(db, clock, reader, matter.campaign_id, narrowed)
        of_these = await list_matters(db, clock, reader, matter.campaign_id, Which.ALL, narrowed=narrowed)
        assert counts[Which.ALL] == counts[Which.PROPOSED] == len(of_these) == wanted, narrowed
    assert [each.id for each in await list_campaigns(db, world.actor("xigu.leader"))] == [matter.campaign_id]
    assert not await list_matters(db, clock, world.actor("xigu.leader"), matter.campaign_id)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"leader": " "}, "leader"), ({"rank": None}, "rank"), ({"plan": ""}, "plan"), ({"late": 1}, "due_on")],
)
async def test_what_is_missing_is_told_at_its_field(
    db: AsyncSession, clock: FixedClock, world: World, change: dict[str, object], field: str
) -> None:
    actor, day = world.actor("chengguan.leader"), today(clock)
    end = day + timedelta(9)
    opened = OpenCampaign(world.chengguan.id, CampaignKind.LEADERS, "包案", day, end, {Rank.COUNTY: 1})
    campaign = await open_campaign(db, clock, actor, opened)
    petition = await make_petition(db, clock, world.chengguan)
    whole: dict[str, object] = {"rank": Rank.COUNTY, "leader": "刘志强", "plan": "听汇报。"}
    more = {name: value for name, value in change.items() if name != "late"}
    due = end + timedelta(1) if "late" in change else end
    given = TakeInCharge(campaign.id, petition.id, due_on=due, **(whole | more))  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refused:
        await take_in_charge(db, clock, actor, given)
    assert refused.value.field == field
