"""A case that 城关区 keeps and its housing department handles, and who supervises it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.handling.taking import take_step
from cases.petitions import list_petition_events
from cases.policy import SYSTEM, Actor
from cases.supervision.order import SupervisionOrder
from cases.supervision.ordering import NewOrder, Taken, issue_order, take_order_step
from tests.clock import FixedClock
from tests.factories import World, make_petition

KEEPER, LEADER, INSPECTOR = "chengguan.receptionist", "chengguan.leader", "city.inspector"
HANDLER, HEAD = "housing.handler", "housing.unit_head"


@dataclass
class Matter:
    """The case, and shorthands for what is done to it."""

    db: AsyncSession
    clock: FixedClock
    world: World
    id: str

    def actor(self, who: str) -> Actor:
        return self.world.actor(who)

    async def issue(self, who: str = LEADER, **more: str) -> SupervisionOrder:
        told = {
            "unit_id": self.world.housing.id,
            "reason": "overdue",
            "due_on": "2026-08-10",
            "words": "请说明原因。",
        }
        return await issue_order(self.db, self.clock, self.actor(who), self.id, NewOrder(**(told | more)))

    async def take(self, who: str, order: SupervisionOrder, step: str, **more: str) -> SupervisionOrder:
        told = {"words": "已经查清。", "adoption": "adopted" if step == "report" else "", "due_on": ""}
        taken = Taken(**(told | more))
        return await take_order_step(self.db, self.clock, self.actor(who), order.id, step, taken)

    async def history(self) -> list[str]:
        return [event.kind for event in await list_petition_events(self.db, SYSTEM, self.id)]


@pytest.fixture
async def matter(db: AsyncSession, clock: FixedClock, world: World) -> Matter:
    petition = await make_petition(db, clock, world.chengguan)
    keeper = world.actor(KEEPER)
    claim = {"class": "claim", "way": "handle", "words": "修屋顶"}
    await take_step(db, clock, keeper, petition.id, "classify", claim)
    forward = {"unit": world.housing.id, "words": "请办理"}
    await take_step(db, clock, keeper, petition.id, "forward", forward)
    return Matter(db, clock, world, petition.id)
