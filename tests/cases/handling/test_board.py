"""The board of running clocks: whose cases, in which order, what counts as near and as late."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionClass
from cases.deadlines.deadline import Standing
from cases.handling.board import OpenCounts, Which, count_open_clocks, list_open_clocks
from cases.handling.clocks import list_clocks, today
from cases.handling.taking import take_step
from tests.cases.documents.papers import deliver_step
from tests.clock import FixedClock
from tests.factories import World, make_petition

KEEPER = "chengguan.receptionist"


async def test_late_ones_first_near_ones_apart_and_only_what_one_sees(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    first = await make_petition(db, clock, world.chengguan, "早的")
    secret = await make_petition(db, clock, world.chengguan, "密的", class_=PetitionClass.ACCUSATION)
    clock.advance(days=12)
    second = await make_petition(db, clock, world.chengguan, "晚的")
    elsewhere = await make_petition(db, clock, world.xigu, "别处的")

    async def subjects(who: str, which: Which = Which.ALL) -> list[str]:
        found = await list_open_clocks(db, clock, world.actor(who), which)
        return [each.subject for each in found]

    assert await subjects(KEEPER) == ["早的", "晚的"]
    assert await subjects("xigu.receptionist") == ["别处的"]
    assert sorted(await subjects("city.receptionist")) == ["别处的", "早的", "晚的"]
    assert await subjects(KEEPER, Which.NEAR) == ["早的"] and await subjects(KEEPER, Which.OVERDUE) == []
    assert await count_open_clocks(db, clock, world.actor(KEEPER)) == OpenCounts(2, 1, 0)
    clock.advance(days=4)  # 7 August; the first was due on the 6th.
    assert await subjects(KEEPER, Which.OVERDUE) == ["早的"]
    assert await count_open_clocks(db, clock, world.actor("city.receptionist")) == OpenCounts(3, 0, 1)
    given = {"class": "claim", "way": "handle", "words": "修屋顶"}
    await take_step(db, clock, world.actor(KEEPER), first.id, "classify", given)
    assert await subjects(KEEPER, Which.OVERDUE) == ["早的"]
    forward = {"unit": world.housing.id, "words": "请办理"}
    await take_step(db, clock, world.actor(KEEPER), first.id, "forward", forward)
    assert await subjects(KEEPER, Which.OVERDUE) == []
    unit = await list_open_clocks(db, clock, world.actor("housing.handler"), Which.ALL)
    assert [each.clock.duty for each in unit] == ["forward_notice"]
    page = await list_open_clocks(db, clock, world.actor("city.receptionist"), Which.ALL, 1, 1)
    assert len(page) == 1 and page[0].clock.rolled_on is not None
    assert secret.registered_at + timedelta(days=12) == second.registered_at == elsewhere.registered_at


async def test_what_petitioners_may_ask_for_is_nobodys_delay(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    steps = [
        (KEEPER, "classify", {"class": "claim", "way": "handle", "words": "修屋顶"}),
        (KEEPER, "forward", {"unit": world.housing.id, "words": "请办理"}),
        ("housing.handler", "accept", {"words": "受理"}),
        ("housing.handler", "conclude", {"conclusion": "explain", "words": "已修好"}),
    ]
    for who, step, given in steps:
        await take_step(db, clock, world.actor(who), petition.id, step, given)
    await deliver_step(db, clock, world.actor("housing.handler"), petition.id, "deliver")
    assert await list_open_clocks(db, clock, world.actor(KEEPER), Which.ALL) == []
    clock.advance(days=60)
    stands = {row.duty: row.stands(today(clock)) for row in await list_clocks(db, petition.id)}
    assert stands["review_apply"] is stands["forward_objection"] is Standing.LAPSED
