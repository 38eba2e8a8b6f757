"""The office world of a test is copied from an earlier one: whole each time, its objects the test's own."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.organisations import Organisation
from cases.people import Official, Post
from tests.factories import OFFICIALS, ORGANISATIONS, World


@pytest.mark.parametrize("time", ["made", "copied"])
async def test_it_is_whole_each_time(db: AsyncSession, world: World, time: str) -> None:
    stored = (await db.scalars(select(Official))).unique().all()
    assert {each.id: each.username for each in stored} == {
        each.id: each.username for each in world.officials.values()
    }
    assert len(stored) == sum(map(len, OFFICIALS.values())) == len((await db.scalars(select(Post))).all())
    offices = {each.id: each.name for each in (await db.scalars(select(Organisation))).all()}
    assert offices == {each.id: each.name for each in world.organisations.values()}
    assert len(offices) == len(ORGANISATIONS) and "changed" not in offices.values()
    leader = world.actor("city.leader")
    assert leader.posts and leader.official_id == world.officials["city.leader"].id
    world.city.name = "changed"
    await db.merge(world.city)
    await db.commit()
