"""Handing a case over: who may, to whom, and what follows."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.custody import hand_over, handings_of, possible_keepers
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import PetitionClock
from cases.petitions import PetitionCase, get_petition, grant_petition, load_petition
from cases.policy import SYSTEM
from cases.register.search import RegisterQuery, search_register
from tests.clock import FixedClock
from tests.factories import World, make_petition

LEADER = "chengguan.leader"


async def give(
    db: AsyncSession, clock: FixedClock, world: World, petition: PetitionCase, to: str = "xigu",
    key: str = LEADER, seen: str = "chengguan",
) -> list[str]:  # fmt: skip
    """Hand over; returns for which cases others were told to follow."""
    told: list[str] = []

    async def follow(_: AsyncSession, __: Clock, petition_id: str) -> None:
        told.append(petition_id)

    organisations = world.organisations
    await hand_over(
        db, clock, world.actor(key), petition.id, organisations[to].id, "区划调整", organisations[seen].id,
        (follow,),
    )  # fmt: skip
    return told


async def test_a_case_goes_to_another_office_with_its_clocks_and_its_terms(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    assert await give(db, clock, world, petition) == [petition.id]
    row = await get_petition(db, world.actor("xigu.receptionist"), petition.id)
    assert row.custodian_id == world.xigu.id
    with pytest.raises(NotFound):  # The former keeper took no other part.
        await get_petition(db, world.actor(LEADER), petition.id)
    keepers = set(await db.scalars(select(PetitionClock.organisation_id)))
    assert keepers == {world.xigu.id}
    found = await search_register(
        db, world.actor("city.leader"), RegisterQuery(custodian_id=world.xigu.id)
    )
    assert [line.id for line in found.found] == [petition.id]
    (event,) = await handings_of(db, petition.id)
    told = {"from": world.chengguan.name, "to": world.xigu.name, "reason": "区划调整"}
    assert event.data == told


@pytest.mark.parametrize(
    ("key", "to", "seen", "error"),
    [
        ("chengguan.receptionist", "xigu", "chengguan", Forbidden),
        ("city.leader", "xigu", "chengguan", Forbidden),
        ("xigu.leader", "xigu", "chengguan", NotFound),
        (LEADER, "chengguan", "chengguan", Invalid),
        (LEADER, "housing", "chengguan", Invalid),
        (LEADER, "xigu", "city", Conflict),
    ],
)
async def test_who_may_not_and_to_whom_not(
    db: AsyncSession, clock: FixedClock, world: World, key: str, to: str, seen: str, error: type[Exception]
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    with pytest.raises(error):
        await give(db, clock, world, petition, to, key, seen)
    assert (await load_petition(db, petition.id)).custodian_id == world.chengguan.id


async def test_an_accusation_never_comes_to_whom_it_accuses_and_to_nobody_who_could_not_see_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(
        db, clock, world.chengguan, accused_organisation_id=world.xigu.id, confidential=True
    )
    await grant_petition(db, clock, SYSTEM, petition.id, world.officials[LEADER].id)
    petition = await load_petition(db, petition.id)
    assert world.xigu.id not in await possible_keepers(db, petition)
    with pytest.raises(Invalid):
        await give(db, clock, world, petition)
    with pytest.raises(Conflict, match="保密件"):
        await give(db, clock, world, petition, "city")
    await grant_petition(db, clock, SYSTEM, petition.id, world.officials["city.leader"].id)
    assert await give(db, clock, world, petition, "city") == [petition.id]
