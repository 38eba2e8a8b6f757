"""Supervision at its edges: for which office, until which day, how many, and what is nobody's business."""

from __future__ import annotations

from datetime import date

import pytest

from cases.casefile import PetitionCase
from cases.errors import Conflict, Invalid
from cases.handling.clocks import find_running
from cases.handling.taking import take_step
from cases.organisations import Organisation, OrganisationKind, Tier
from cases.petitions import load_petition
from cases.policy import Actor, ActorKind, PostRef
from cases.roles import Role
from cases.supervision import ordering
from cases.supervision.board import OrderFilter, Which, list_orders
from cases.supervision.notices import list_notices, tell_reminders
from cases.supervision.ordering import issuer_of, list_supervised
from cases.supervision.report import supervision_figures
from tests.cases.documents.papers import deliver_step
from tests.cases.supervision.conftest import HANDLER, KEEPER, LEADER, Matter
from tests.cases.supervision.test_measures import measure
from tests.factories import make_petition


def leader_at(*offices: Organisation) -> Actor:
    """Holds a leader's post in each."""
    posts = (PostRef(Role.LEADER, each.id, each.region_code, each.tier, each.kind) for each in offices)
    return Actor(ActorKind.OFFICIAL, "某人", "x" * 32, tuple(posts))


async def test_who_has_several_posts_supervises_for_the_nearest_office_above(matter: Matter) -> None:
    world, petition = matter.world, await load_petition(matter.db, matter.id)
    assert issuer_of(leader_at(world.city, world.chengguan), petition) == world.chengguan.id
    assert issuer_of(leader_at(world.xigu, world.city), petition) == world.city.id, "not that beside"
    assert issuer_of(leader_at(world.housing, world.city), petition) == world.city.id, "no department"
    assert issuer_of(leader_at(world.xigu), petition) is None
    assert (world.housing.kind, world.housing.tier) == (OrganisationKind.DEPARTMENT, Tier.DISTRICT)


async def test_nobody_supervises_who_stands_above(matter: Matter) -> None:
    petition = await load_petition(matter.db, matter.id)
    petition.reviewer = await matter.db.get_one(Organisation, matter.world.province.id)
    found = {unit.id for unit in await list_supervised(matter.db, petition, matter.world.city.id)}
    assert found == {matter.world.housing.id, matter.world.chengguan.id}


async def test_a_case_has_no_more_than_so_many_open_orders(
    matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "MOST_OPEN", 2)
    first = await matter.issue()
    await matter.issue()
    with pytest.raises(Conflict) as caught:
        await matter.issue()
    assert caught.value.code == "too_many_orders"
    await matter.take(LEADER, first, "withdraw", words="发错了。")
    await matter.issue()


async def test_one_character_says_nothing(matter: Matter) -> None:
    with pytest.raises(Invalid) as caught:
        await matter.issue(words="快")
    assert caught.value.field == "words"


async def test_the_last_day_itself_is_in_time(matter: Matter) -> None:
    order = await matter.issue(due_on="2026-07-25")
    overdue = OrderFilter(Which.OVERDUE)
    leader = matter.actor(LEADER)
    matter.clock.advance(days=3)
    assert not order.is_late(date(2026, 7, 25)) and order.is_late(date(2026, 7, 26))
    assert await list_orders(matter.db, matter.clock, leader, overdue) == []
    await matter.take(HANDLER, order, "report")
    (unit,) = (await supervision_figures(matter.db, matter.clock, leader)).units
    assert (unit.in_time, unit.late, unit.missing) == (1, 0, 0)
    other = await matter.issue(due_on="2026-07-26")
    matter.clock.advance(days=2)
    assert [o.id for o in await list_orders(matter.db, matter.clock, leader, overdue)] == [other.id]


async def test_measures_are_counted_where_the_case_is_seen(matter: Matter) -> None:
    await measure(matter, LEADER, "circular")
    theirs = await supervision_figures(matter.db, matter.clock, matter.actor("xigu.leader"))
    assert theirs.measures == {} and theirs.units == ()


async def test_people_are_warned_by_the_day_before_it_was_moved_on(matter: Matter) -> None:
    """Fifteen days from Friday, 24 July 2026 end on a Saturday: late is who is not done on Monday."""
    matter.clock.advance(days=2)
    petition = await make_petition(matter.db, matter.clock, matter.world.chengguan, "别的")
    running = await find_running(matter.db, petition.id, "register_route")
    assert running is not None
    assert (running.raw_on, running.rolled_on) == (date(2026, 8, 8), date(2026, 8, 10))
    matter.clock.advance(days=10)
    await tell_reminders(matter.db, matter.clock)
    mine = await list_notices(matter.db, matter.actor(KEEPER))
    assert [told.notice.petition_id for told in mine] == [petition.id], "five days before the eighth"


async def test_nobody_is_reminded_of_what_is_the_petitioners_right(matter: Matter) -> None:
    handler, db, clock = matter.actor(HANDLER), matter.db, matter.clock
    await take_step(db, clock, handler, matter.id, "accept", {"on": "", "words": "受理"})
    given = {"conclusion": "support", "words": "九月底前修好。"}
    await take_step(db, clock, handler, matter.id, "conclude", given)
    await deliver_step(db, clock, handler, matter.id, "deliver", on="")
    right = await find_running(db, matter.id, "review_apply")
    assert right is not None and right.rolled_on is not None
    clock.advance(days=60)
    await tell_reminders(db, clock)
    told = await list_notices(db, matter.actor(LEADER), everybody=True)
    assert right.id not in {each.notice.clock_id for each in told}


async def test_a_notice_of_a_case_that_became_secret_is_shown_no_more(matter: Matter) -> None:
    matter.clock.advance(days=10)
    await tell_reminders(matter.db, matter.clock)
    assert len(await list_notices(matter.db, matter.actor(HANDLER))) == 1
    (await matter.db.get_one(PetitionCase, matter.id)).confidential = True
    await matter.db.commit()
    assert await list_notices(matter.db, matter.actor(HANDLER)) == []
