"""Handing in a matter: who keeps it, who speaks for how many, who sees an accusation, nothing twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import mark_id_number
from cases.handling.clocks import find_running
from cases.intake.matter import PartyKind
from cases.intake.matters import (
    Mandate,
    Matter,
    find_intake,
    list_mailboxes,
    list_parties,
    register_matter,
    submit_matter,
)
from cases.intake.representation import check_representation
from cases.people import PersonDetails
from cases.petitions import find_by_query_code, get_petition
from cases.policy import Actor
from cases.register.search import RegisterQuery, search_register
from tests.clock import FixedClock
from tests.factories import World

PERSON = PersonDetails("李德福", "13800001234")


async def seen(db: AsyncSession, actor: Actor) -> set[str]:
    """Ids of the cases on the first page of somebody's list."""
    return {each.id for each in (await search_register(db, actor, RegisterQuery())).found}


OTHERS = tuple(PersonDetails(f"邻居{number}", f"1390000000{number}") for number in range(1, 6))


def matter(world: World, office: str = "chengguan", **more: Any) -> Matter:
    made = Matter(Channel.WEB, world.organisations[office].id, PERSON, "楼道漏水三个月无人修", "没人修。")
    return replace(made, **more)


async def test_a_matter_from_the_web_has_number_code_and_clock(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, code = await submit_matter(db, clock, matter(world))
    assert petition.channel is Channel.WEB and petition.custodian_id == world.chengguan.id
    assert await find_by_query_code(db, petition.number, code) is not None
    running = await find_running(db, petition.id, "register_route")
    assert running is not None and running.rolled_on is not None
    assert petition.id in await seen(db, world.actor("chengguan.receptionist"))


async def test_citizens_do_not_enter_telephone_notes(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    with pytest.raises(Invalid):
        await submit_matter(db, clock, matter(world, channel=Channel.PHONE))
    with pytest.raises(Forbidden):
        await register_matter(db, clock, world.actor("housing.handler"), matter(world))


async def test_joint_petition_with_representatives_and_a_proxy(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    proxy = Mandate(PersonDetails("王律师", "13911112222"), "2026-11-20 签署")
    joint = matter(world, headcount=30, representatives=OTHERS[:4], proxy=proxy)
    petition, _ = await submit_matter(db, clock, joint)
    intake = await find_intake(db, petition.id)
    assert intake is not None and intake.headcount == 30
    parties = await list_parties(db, petition.id)
    assert [p.kind for p in parties] == [PartyKind.REPRESENTATIVE] * 4 + [PartyKind.PROXY]
    assert [p.person.name for p in parties] == [each.name for each in (*OTHERS[:4], proxy.person)]
    assert [p.mandate for p in parties if p.kind is PartyKind.PROXY] == ["2026-11-20 签署"]


@pytest.mark.parametrize(
    ("region", "headcount", "speakers", "field"),
    [
        ("620102", 30, 5, None),
        ("620102", 30, 6, "representatives"),
        ("33", 10, 3, None),
        ("33", 10, 4, "representatives"),
        ("33", 11, 5, None),
        ("620102", 1, 2, "headcount"),
        ("620102", 0, 1, "headcount"),
        ("620102", 100_001, 1, "headcount"),
    ],
)
def test_how_many_may_speak(region: str, headcount: int, speakers: int, field: str | None) -> None:
    if field is None:
        check_representation(region, headcount, speakers)
        return
    with pytest.raises(Invalid) as caught:
        check_representation(region, headcount, speakers)
    assert caught.value.field == field


async def test_what_is_refused_leaves_nothing(db: AsyncSession, clock: FixedClock, world: World) -> None:
    wrong = [
        matter(world, headcount=9, representatives=OTHERS),
        matter(world, headcount=3, representatives=(PersonDetails("邻居", "123"),)),
        matter(world, proxy=Mandate(PersonDetails("王律师", "13911112222"), " ")),
        matter(world, petitioner=PersonDetails("", "13800001234")),
    ]
    for each in wrong:
        with pytest.raises(Invalid):
            await submit_matter(db, clock, each)
    assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 0


async def test_an_accusation_is_kept_above_the_accused_and_seen_by_its_leaders_alone(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    accusation = matter(world, class_=PetitionClass.ACCUSATION, accused_id=world.chengguan.id)
    petition, _ = await submit_matter(db, clock, accusation)
    assert petition.custodian_id == world.city.id and petition.confidential
    assert (await get_petition(db, world.actor("city.leader"), petition.id)).id == petition.id
    for key in ("chengguan.leader", "chengguan.receptionist", "station.station_clerk", "city.receptionist"):
        with pytest.raises(NotFound):
            await get_petition(db, world.actor(key), petition.id)
        assert petition.id not in await seen(db, world.actor(key))


async def test_an_accused_department_is_not_its_own_judge(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition, _ = await submit_matter(
        db, clock, matter(world, class_=PetitionClass.ACCUSATION, accused_id=world.housing.id)
    )
    assert petition.custodian_id == world.chengguan.id
    with pytest.raises(NotFound):
        await get_petition(db, world.actor("housing.unit_head"), petition.id)


async def test_nobody_is_left_when_the_province_is_accused(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    with pytest.raises(Invalid) as caught:
        await submit_matter(
            db, clock, matter(world, class_=PetitionClass.ACCUSATION, accused_id=world.province.id)
        )
    assert caught.value.code == "no_office"


async def test_a_clerk_of_the_accused_office_enters_it_and_no_longer_sees_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    clerk = world.actor("chengguan.receptionist")
    about = matter(
        world, channel=Channel.VISIT, class_=PetitionClass.ACCUSATION, accused_id=world.chengguan.id
    )
    petition, _ = await register_matter(db, clock, clerk, about)
    assert petition.custodian_id == world.city.id
    with pytest.raises(NotFound):
        await get_petition(db, clerk, petition.id)
    assert (await get_petition(db, world.actor("city.leader"), petition.id)).id == petition.id


async def test_letters_to_leaders_go_to_their_office(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    boxes = {box.organisation_id: box for box in await list_mailboxes(db)}
    assert set(boxes) == {world.city.id, world.chengguan.id, world.xigu.id}
    box = boxes[world.city.id]
    letter = matter(world, "city", channel=Channel.LEADER_MAILBOX, addressed_to=box.words)
    petition, _ = await submit_matter(db, clock, letter)
    intake = await find_intake(db, petition.id)
    assert petition.custodian_id == world.city.id
    assert intake is not None and intake.addressed_to == box.words


async def test_the_same_form_twice_is_one_matter(database: Database, clock: FixedClock, world: World) -> None:
    form = matter(world, source="web-form", external_id="a" * 32)

    async def once() -> str:
        async with database.session() as db:
            try:
                return (await submit_matter(db, clock, form))[0].id
            except Conflict as error:
                return error.code

    done = await asyncio.gather(*(once() for _ in range(4)))
    assert done.count("already_submitted") == 3
    async with database.session() as db:
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 1


def test_a_mark_is_the_same_for_one_number_and_tells_nothing_without_the_key() -> None:
    number = "11010519491231002X"
    assert mark_id_number(b"key", number) == mark_id_number(b"key", " 11010519491231002x ")
    assert mark_id_number(b"key", number) != mark_id_number(b"other", number)
    assert number not in mark_id_number(b"key", number)
    with pytest.raises(Invalid):
        mark_id_number(b"key", "110105194912310021")
