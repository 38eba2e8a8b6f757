"""Earlier cases that may be the same are suggested with reasons; joining is undone by one more row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.intake.join import PetitionJoin
from cases.intake.joins import join_histories, list_joined, undo_join
from cases.intake.likeness import SAME_MATTER, SAME_PERSON, SAME_PHONE, alike, suggest
from cases.intake.matters import Matter, submit_matter
from cases.people import PersonDetails
from cases.petitions import list_petition_events
from tests.clock import FixedClock
from tests.factories import World

CLERK = "chengguan.receptionist"
LEAK = "酒泉路小区楼道漏水三个月无人修"
MARK = "f" * 64


async def hand_in(
    db: AsyncSession, clock: FixedClock, world: World, subject: str = LEAK, phone: str = "13800001234",
    mark: str = "", **more: Any,
) -> PetitionCase:  # fmt: skip
    person = PersonDetails("李德福", phone, "11010519491231002X" if mark else "", id_mark=mark)
    matter = Matter(Channel.WEB, world.chengguan.id, person, subject, "没人修。", **more)
    return (await submit_matter(db, clock, matter))[0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (LEAK, "酒泉路小区楼道漏水，三个月没人修", True),
        (LEAK, "小区供暖温度不达标", False),
        ("", "", False),
        ("漏", "漏", False),
        (LEAK, LEAK + "!!!", True),
    ],
)
def test_texts_are_alike_by_their_words(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


async def test_why_a_case_is_suggested(db: AsyncSession, clock: FixedClock, world: World) -> None:
    same = await hand_in(db, clock, world, mark=MARK)
    other_phone = await hand_in(db, clock, world, "小区供暖温度不达标", "13900000001", MARK)
    neighbour = await hand_in(db, clock, world, phone="13900000002")
    together = await hand_in(
        db, clock, world, "公交车改线", "13900000003", headcount=2,
        representatives=(PersonDetails("李德福", "13800001234"),),
    )  # fmt: skip
    await hand_in(db, clock, world, "路灯不亮", "13900000004")
    petition = await hand_in(db, clock, world, mark=MARK)
    found = {each.petition.id: set(each.reasons) for each in await suggest(db, world.actor(CLERK), petition)}
    assert found == {
        same.id: {SAME_PERSON, SAME_PHONE, SAME_MATTER},
        other_phone.id: {SAME_PERSON},
        neighbour.id: {SAME_MATTER},
        together.id: {SAME_PHONE},
    }


async def test_what_one_may_not_see_is_not_suggested(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await hand_in(db, clock, world, class_=PetitionClass.ACCUSATION)
    petition = await hand_in(db, clock, world)
    assert await suggest(db, world.actor(CLERK), petition) == []


async def test_joined_and_undone_with_both_in_both_histories(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    clerk = world.actor(CLERK)
    one, two = await hand_in(db, clock, world), await hand_in(db, clock, world)
    await join_histories(db, clock, clerk, one.id, two.id, "同一处漏水")
    for mine, other in ((one, two), (two, one)):
        (joined,) = await list_joined(db, clerk, mine.id)
        assert (joined.petition.id, joined.reason) == (other.id, "同一处漏水")
    with pytest.raises(Conflict) as caught:
        await join_histories(db, clock, clerk, two.id, one.id, "再来")
    assert caught.value.code == "joined_already"
    await undo_join(db, clock, clerk, two.id, one.id, "是两处")
    assert list(await list_joined(db, clerk, one.id)) == []
    with pytest.raises(Conflict):
        await undo_join(db, clock, clerk, one.id, two.id, "再来")
    await join_histories(db, clock, clerk, one.id, two.id, "还是一处")
    assert await db.scalar(select(func.count()).select_from(PetitionJoin)) == 3
    for mine in (one, two):
        kinds = [event.kind for event in await list_petition_events(db, clerk, mine.id)]
        assert kinds[-3:] == ["petition.joined", "petition.separated", "petition.joined"]


async def test_who_may_not_join(db: AsyncSession, clock: FixedClock, world: World) -> None:
    one, two = await hand_in(db, clock, world), await hand_in(db, clock, world)
    for key, error in (("xigu.receptionist", NotFound), ("city.receptionist", Forbidden)):
        with pytest.raises(error):
            await join_histories(db, clock, world.actor(key), one.id, two.id, "同一件")
    for other, reason in ((one.id, "同一件"), (two.id, " ")):
        with pytest.raises(Invalid):
            await join_histories(db, clock, world.actor(CLERK), one.id, other, reason)


async def test_an_accusation_is_joined_with_nothing_open(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    leader = world.actor("chengguan.leader")
    secret = await hand_in(db, clock, world, class_=PetitionClass.ACCUSATION)
    plain = await hand_in(db, clock, world)
    with pytest.raises(Conflict) as caught:
        await join_histories(db, clock, leader, plain.id, secret.id, "同一件")
    assert caught.value.code == "join_confidential"


async def test_of_two_who_join_at_once_one_is_first(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        one, two = await hand_in(db, clock, world), await hand_in(db, clock, world)

    async def join() -> str:
        async with database.session() as db:
            try:
                await join_histories(db, clock, world.actor(CLERK), one.id, two.id, "同一件")
            except Conflict as error:
                return error.code
            return "joined"

    assert sorted(await asyncio.gather(join(), join())) == ["joined", "joined_already"]
