"""A campaign: matters under leaders, the four duties, striking off by evidence, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import CampaignKind, CampaignMatter, CampaignStepKind, FourDuty, Rank
from cases.campaigns.conducting import (
    OpenCampaign,
    Standing,
    TakeInCharge,
    list_standings,
    list_steps,
    note_step,
    open_campaign,
    take_in_charge,
)
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import today
from cases.petitions import list_petition_events
from tests.clock import FixedClock
from tests.factories import World, make_petition

K = CampaignStepKind
TARGETS = {Rank.CITY: 10, Rank.COUNTY: 100, Rank.SECTION: 1000}


async def test_a_matter_is_taken_in_charge_and_struck_off_by_evidence(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    leader, keeper, day = world.actor("city.leader"), world.actor("chengguan.leader"), today(clock)
    opened = OpenCampaign(world.city.id, CampaignKind.LEADERS, "十百千", day, day + timedelta(90), TARGETS)
    with pytest.raises((Forbidden, NotFound)):
        await open_campaign(db, clock, keeper, opened)
    campaign_id = (await open_campaign(db, clock, leader, opened)).id
    petition_id = (await make_petition(db, clock, world.chengguan)).id
    due = day + timedelta(30)
    given = TakeInCharge(campaign_id, petition_id, Rank.CITY, "刘志强", "每周听一次汇报。", due)
    matter_id = (await take_in_charge(db, clock, keeper, given)).id
    with pytest.raises(Conflict, match="已经列入"):
        await take_in_charge(db, clock, keeper, given)
    await note_step(db, clock, keeper, matter_id, K.DUTY, "见了本人。", FourDuty.SITUATION)
    with pytest.raises(Invalid):
        await note_step(db, clock, keeper, matter_id, K.DUTY, "见了本人。", "another")
    with pytest.raises(Invalid, match="依据"):
        await note_step(db, clock, keeper, matter_id, K.STRUCK_OFF, " ")
    with pytest.raises(Conflict):
        await note_step(db, clock, keeper, matter_id, K.TAKEN_UP_AGAIN, "又来了。")
    with pytest.raises((Forbidden, NotFound)):
        await note_step(db, clock, world.actor("xigu.leader"), matter_id, K.PROGRESS, "不归我。")
    await note_step(db, clock, keeper, matter_id, K.STRUCK_OFF, "签订调解协议，已经履行。")
    held = await db.get_one(CampaignMatter, matter_id, populate_existing=True)
    assert held.resolved_on == day
    assert await list_standings(db, leader, campaign_id) == [
        Standing(Rank.CITY, 10, 1, 1), Standing(Rank.COUNTY, 100, 0, 0), Standing(Rank.SECTION, 1000, 0, 0)
    ]  # fmt: skip
    await note_step(db, clock, keeper, matter_id, K.TAKEN_UP_AGAIN, "协议没有履行。")
    steps = await list_steps(db, matter_id)
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert [step.kind for step in steps] == [K.ENTERED, K.DUTY, K.STRUCK_OFF, K.TAKEN_UP_AGAIN]
    history = [event.kind for event in await list_petition_events(db, keeper, petition_id)]
    assert history[-3:] == ["campaign.entered", "campaign.struck_off", "campaign.taken_up_again"]


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
