"""Petition cases: who may enter and see them, numbers, query codes, and that lists agree with the policy."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.database import Database
from cases.errors import Forbidden, Invalid, NotFound, SignInRequired
from cases.lanzhou import DISTRICTS, seed_lanzhou
from cases.organisations import OrganisationKind, Tier, find_office, list_organisations
from cases.people import PersonDetails
from cases.petitions import (
    Channel,
    Part,
    PetitionClass,
    RegisterPetition,
    add_petition_organisation,
    find_by_query_code,
    get_petition,
    grant_petition,
    list_petition_events,
    register_petition,
    scope_of,
)
from cases.policy import ANONYMOUS, SYSTEM, Action, allowed
from cases.register.search import RegisterQuery, search_register
from cases.visibility import visible_petitions
from tests.clock import FixedClock
from tests.factories import World, make_petition


def command(world: World, custodian: str = "chengguan", **more: object) -> RegisterPetition:
    person = PersonDetails("李德福", "138 0000 1234", "11010519491231002X")
    custodian_id = world.organisations[custodian].id
    return RegisterPetition(Channel.VISIT, "楼道漏水", "没人修。", person, custodian_id, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("xigu.receptionist", NotFound),
        ("city.sysadmin", NotFound),
        ("chengguan.leader", NotFound),
        ("housing.handler", NotFound),
    ],
)
async def test_who_may_not_enter_a_case(
    db: AsyncSession, clock: FixedClock, world: World, key: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await register_petition(db, clock, world.actor(key), command(world))
    with pytest.raises(SignInRequired):
        await register_petition(db, clock, ANONYMOUS, command(world))


async def test_a_department_is_no_custodian(db: AsyncSession, clock: FixedClock, world: World) -> None:
    with pytest.raises(Invalid) as caught:
        await register_petition(db, clock, SYSTEM, command(world, "housing"))
    assert caught.value.field == "custodian_id"


async def test_a_station_enters_for_its_district_and_sees_its_own(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    clerk = world.actor("station.station_clerk")
    entered, _ = await register_petition(db, clock, clerk, command(world))
    other = await make_petition(db, clock, world.chengguan)
    assert (await get_petition(db, clerk, entered.id)).petitioner.id_number_masked == "110***********002X"
    with pytest.raises(NotFound):
        await get_petition(db, clerk, other.id)
    assert {part.part for part in entered.organisations} == {Part.CUSTODIAN, Part.REGISTRAR}


async def test_another_district_does_not_see_it_and_the_tiers_above_do(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    for key in ("xigu.receptionist", "xigu.leader", "housing.handler", "city.sysadmin"):
        with pytest.raises(NotFound):
            await get_petition(db, world.actor(key), petition.id)
        with pytest.raises(NotFound):
            await list_petition_events(db, world.actor(key), petition.id)
    for key in ("chengguan.receptionist", "city.receptionist", "province.reviewer", "city.inspector"):
        assert (await get_petition(db, world.actor(key), petition.id)).id == petition.id
    with pytest.raises(NotFound):
        await get_petition(db, SYSTEM, "unknown")


async def test_numbers_follow_one_another_by_year(db: AsyncSession, clock: FixedClock, world: World) -> None:
    numbers = [(await make_petition(db, clock, world.chengguan)).number for _ in range(2)]
    clock.set(clock.now().replace(year=2026, month=12, day=31, hour=16))  # Midnight in Beijing.
    numbers.append((await make_petition(db, clock, world.xigu)).number)
    assert numbers == ["LZ2026-000001", "LZ2026-000002", "LZ2027-000001"]


async def test_many_at_once_get_different_numbers(
    database: Database, clock: FixedClock, world: World
) -> None:
    async def enter() -> str:
        async with database.session() as db:
            return (await make_petition(db, clock, world.chengguan)).number

    numbers = await asyncio.gather(*(enter() for _ in range(8)))
    assert sorted(numbers) == [f"LZ2026-{n:06d}" for n in range(1, 9)]


def test_guessing_query_codes_costs_what_was_promised(dear_codes: int) -> None:
    """With 8 blocks of 128 octets to each, 4 MiB have to be filled for every guess."""
    assert dear_codes * 8 * 128 == 4 * 1024 * 1024


async def test_the_query_code_is_told_once(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition, code = await register_petition(db, clock, SYSTEM, command(world))
    assert code not in petition.query_code_hash and len(code) == 10
    assert await find_by_query_code(db, petition.number, "aaaaaaaaaa") is None
    assert await find_by_query_code(db, "LZ2026-999999", code) is None
    found = await find_by_query_code(db, petition.number.lower(), f" {code[:5].upper()}-{code[5:]} ")
    assert found is not None and found.id == petition.id


async def test_a_secret_case_is_for_those_it_was_granted_to(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    author = world.actor("chengguan.receptionist")
    secret, _ = await register_petition(db, clock, author, command(world, class_=PetitionClass.ACCUSATION))
    assert secret.confidential
    leader = world.actor("chengguan.leader")
    with pytest.raises(NotFound):
        await get_petition(db, leader, secret.id)
    with pytest.raises(NotFound):
        await grant_petition(db, clock, leader, secret.id, world.officials["chengguan.leader"].id)
    await get_petition(db, author, secret.id)
    await grant_petition(db, clock, author, secret.id, world.officials["chengguan.leader"].id)
    await grant_petition(db, clock, author, secret.id, world.officials["chengguan.leader"].id)
    await get_petition(db, leader, secret.id)
    kinds = [event.kind for event in await list_petition_events(db, author, secret.id)]
    assert kinds == ["petition.registered", "grant.given", "grant.given"]


async def test_lists_hold_what_the_policy_allows_one_by_one(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    receptionist = world.actor("chengguan.receptionist")
    petitions = [
        await make_petition(db, clock, world.chengguan),
        await make_petition(db, clock, world.xigu),
        await make_petition(db, clock, world.city),
        await make_petition(db, clock, world.province),
        await make_petition(db, clock, world.station),
        await make_petition(db, clock, world.chengguan, accused_organisation_id=world.housing.id),
        await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id),
        (await register_petition(db, clock, receptionist, command(world, confidential=True)))[0],
        await make_petition(db, clock, world.xigu),
    ]
    for part in (petitions[1], petitions[5]):
        await add_petition_organisation(db, part.id, world.housing.id, Part.JOINT)
    await add_petition_organisation(db, petitions[8].id, world.chengguan.id, Part.JOINT)
    await db.commit()
    for petition in petitions:
        await db.refresh(petition, ["organisations", "grants"])
    for key in world.officials:
        actor = world.actor(key)
        expected = {p.id for p in petitions if allowed(actor, Action.SEE_PETITION, scope_of(p))}
        if not allowed(actor, Action.SEE_PETITION):
            with pytest.raises(Forbidden):
                await search_register(db, actor, RegisterQuery())
            continue
        assert {p.id for p in (await search_register(db, actor, RegisterQuery())).found} == expected, key
        # The rule itself, which an index that lags behind leaves alone with the question.
        ruled = select(PetitionCase.id).where(visible_petitions(actor))
        assert set(await db.scalars(ruled)) == expected, key
    assert len((await search_register(db, SYSTEM, RegisterQuery())).found) == len(petitions)


async def test_the_lanzhou_tree_is_seeded_once(db: AsyncSession) -> None:
    offices = await seed_lanzhou(db)
    assert await seed_lanzhou(db) == offices
    assert {code for code, office in offices.items() if office.tier is Tier.DISTRICT} == set(DISTRICTS)
    assert offices["620102001"].short_name == "酒泉路街道" and offices["620104005"].short_name == "四季青街道"
    assert (
        offices["620104005"].parent_id == offices["620104"].id
        and offices["620104"].parent_id == offices["6201"].id
    )
    stations = await list_organisations(db, OrganisationKind.STATION, "620104")
    assert len(stations) == 13 and all(offices["620104"].covers(each.region_code) for each in stations)
    assert not offices["620104"].covers("620102001")
    office = await find_office(db, "620104")
    assert office is not None and office.kind is OrganisationKind.PETITION_OFFICE
