"""A campaign with a matter, and a mediation on its way, for pages."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from cases.campaigns.campaign import CampaignKind, Rank
from cases.campaigns.conducting import OpenCampaign, TakeInCharge, open_campaign, take_in_charge
from cases.clock import BEIJING
from cases.handling.clocks import today
from cases.mediation.mediating import arrange_sitting
from scheduling.booking.engagements import refuse_engaged_mediator
from tests.mediations import KEEPER, make_place, make_ready
from tests.web.conftest import House


async def gather(house: House, petition_id: str) -> dict[str, str]:
    """What the paths name: campaign_id, matter_id, mediation_id, party_id, place_id, person_id."""
    day, world, clock = today(house.clock), house.world, house.clock
    async with house.database.session() as db:
        opened = OpenCampaign(
            world.chengguan.id, CampaignKind.LEADERS, "包案", day, day + timedelta(90), {Rank.COUNTY: 5}
        )
        leader = world.actor("chengguan.leader")
        campaign = await open_campaign(db, clock, leader, opened)
        given = TakeInCharge(
            campaign.id,
            petition_id,
            Rank.COUNTY,
            "",
            "每周听汇报。",
            day + timedelta(30),
            leader.official_id or "",
        )
        matter = await take_in_charge(db, clock, leader, given)
        place = await make_place(db, clock, world)
        mediation = await make_ready(db, clock, world)
        workday = next(each for each in (day + timedelta(n) for n in range(1, 4)) if each.weekday() < 5)
        begin = datetime.combine(workday, time(9), BEIJING)
        keeper = world.actor(KEEPER)
        await arrange_sitting(
            db,
            clock,
            keeper,
            mediation.id,
            place.id,
            begin,
            begin + timedelta(hours=1),
            refuse_engaged_mediator,
        )
        return {
            "campaign_id": campaign.id,
            "matter_id": matter.id,
            "mediation_id": mediation.id,
            "party_id": mediation.parties[0].id,
            "place_id": place.id,
            "person_id": mediation.mediator_id or "",
        }
