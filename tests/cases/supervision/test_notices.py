"""Who is told that a duty comes near or is late: on which day, once, and no longer than it is open."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from cases.casefile import PetitionClass
from cases.database import Database
from cases.deadlines.in_force import BUILT_IN_PROFILES as PROFILES
from cases.deadlines.profile import profiles_of
from cases.deadlines.reminders import Audience, Reminder
from cases.errors import NotFound
from cases.handling.taking import take_step
from cases.petitions import list_petition_events
from cases.policy import SYSTEM
from cases.supervision.notices import list_notices, read_notice, tell_reminders
from tests.cases.supervision.conftest import HANDLER, HEAD, INSPECTOR, KEEPER, LEADER, Matter
from tests.factories import make_petition


async def told_to(matter: Matter, who: str, everybody: bool = False) -> list[str]:
    return [each.notice.reminder for each in await list_notices(matter.db, matter.actor(who), everybody)]


async def test_first_the_handler_then_the_head_then_who_supervises_then_above(matter: Matter) -> None:
    """The notice to the petitioner is due on 6 August, a working day."""
    assert await tell_reminders(matter.db, matter.clock) == 0
    seen: dict[str, list[list[str]]] = {who: [] for who in (HANDLER, HEAD, LEADER, INSPECTOR, KEEPER)}
    for days in (10, 3, 3, 9):  # 1, 4, 7 and 16 August.
        matter.clock.advance(days=days)
        assert await tell_reminders(matter.db, matter.clock) == 1
        assert await tell_reminders(matter.db, matter.clock) == 0
        for who, found in seen.items():
            found.append(await told_to(matter, who))
    assert seen[HANDLER] == [["soon"]] * 4
    assert seen[HEAD] == [[], ["close"], ["close"], ["close"]]
    assert seen[LEADER] == [[], [], ["late"], ["late"]]
    assert seen[INSPECTOR] == [[], [], [], ["long_late"]]
    assert seen[KEEPER] == [[]] * 4
    assert await told_to(matter, INSPECTOR, everybody=True) == ["soon", "close", "late", "long_late"]
    assert await told_to(matter, "xigu.leader", everybody=True) == []
    events = [
        each for each in await list_petition_events(matter.db, SYSTEM, matter.id) if "duty." in each.kind
    ]
    assert [each.kind for each in events] == ["duty.warned"] * 2 + ["duty.escalated"] * 2
    assert events[0].data == {
        "duty": "书面告知接收情况和办理程序",
        "to": "城关区住建局", "audience": "承办人", "due_on": "2026-08-06",
    }  # fmt: skip
    given = {"on": "", "words": "受理"}
    await take_step(matter.db, matter.clock, matter.actor(HANDLER), matter.id, "accept", given)
    assert await told_to(matter, INSPECTOR, everybody=True) == [], "what is done needs nobody"


async def test_a_keeper_who_is_late_is_told_to_the_office_above(matter: Matter) -> None:
    await make_petition(matter.db, matter.clock, matter.world.chengguan, "没人分类")
    secret = await make_petition(
        matter.db, matter.clock, matter.world.chengguan, "密的", class_=PetitionClass.ACCUSATION
    )
    matter.clock.advance(days=40)
    await tell_reminders(matter.db, matter.clock)
    assert sorted(await told_to(matter, KEEPER)) == ["soon"]
    assert sorted(await told_to(matter, INSPECTOR)) == ["late", "long_late"]
    listed = await list_notices(matter.db, matter.actor(INSPECTOR), everybody=True)
    assert secret.id not in {each.notice.petition_id for each in listed}


async def test_a_day_that_moves_is_told_anew(matter: Matter) -> None:
    accept = {"on": "", "words": "受理"}
    await take_step(matter.db, matter.clock, matter.actor(HANDLER), matter.id, "accept", accept)
    matter.clock.advance(days=56)
    await tell_reminders(matter.db, matter.clock)
    assert await told_to(matter, HANDLER) == ["soon"]
    extend = {"days": "20", "words": "情况复杂"}
    await take_step(matter.db, matter.clock, matter.actor(HEAD), matter.id, "extend", extend)
    assert await told_to(matter, HANDLER) == []
    matter.clock.advance(days=20)
    assert await tell_reminders(matter.db, matter.clock) == 1 and await told_to(matter, HANDLER) == ["soon"]


async def test_an_order_that_waits_is_told_like_a_duty(matter: Matter) -> None:
    order = await matter.issue(INSPECTOR, due_on="2026-07-24")
    await tell_reminders(matter.db, matter.clock)
    assert await told_to(matter, HANDLER) == ["soon"] and await told_to(matter, HEAD) == ["close"]
    matter.clock.advance(days=3)
    await tell_reminders(matter.db, matter.clock)
    assert await told_to(matter, INSPECTOR) == ["late"]
    await matter.take(HANDLER, order, "report")
    assert await told_to(matter, HANDLER) == await told_to(matter, INSPECTOR) == []


async def test_what_was_read_stands_below_and_is_read_by_whom_it_is_for(matter: Matter) -> None:
    matter.clock.advance(days=17)
    await tell_reminders(matter.db, matter.clock)
    (mine,) = await list_notices(matter.db, matter.actor(LEADER))
    with pytest.raises(NotFound):
        await read_notice(matter.db, matter.clock, matter.actor(KEEPER), mine.notice.id)
    for _ in range(2):
        await read_notice(matter.db, matter.clock, matter.actor(LEADER), mine.notice.id)
    (again,) = await list_notices(matter.db, matter.actor(LEADER))
    assert (mine.read, again.read) == (False, True)


async def test_processes_that_look_at_once_tell_once(matter: Matter, database: Database) -> None:
    matter.clock.advance(days=40)

    async def look() -> int:
        async with database.session() as db:
            return await tell_reminders(db, matter.clock)

    assert sum(await asyncio.gather(*(look() for _ in range(4)))) == 4
    assert (await matter.history()).count("duty.escalated") == 2


def test_stages_are_data_of_the_profile_and_a_region_may_have_its_own() -> None:
    national = PROFILES["national-2022"]
    assert [(each.days, each.to) for each in national.reminders] == [
        (-5, Audience.HANDLER), (-2, Audience.UNIT_HEAD), (1, Audience.SUPERVISOR), (10, Audience.SUPERIOR),
    ]  # fmt: skip
    assert PROFILES["zhejiang"].reminders == national.reminders
    base = {"name": "甲", "law": "法", "since": "2022-05-01", "duties": {}}
    row = {"code": "soon", "days": -9, "to": "handler"}
    told = {"a": base | {"reminders": [row]}, "b": {"extends": "a", "name": "乙", "law": "法", "duties": {}}}
    assert profiles_of(told)["b"].reminders == (Reminder("soon", -9, Audience.HANDLER),)
    for wrong in ({"days": 0}, {"days": 91}, {"days": "x"}, {"to": "everybody"}, {"code": None}):
        rows = [row | wrong] * (2 if "code" in wrong else 1)
        with pytest.raises(ValueError, match=r"."):
            profiles_of({"a": base | {"reminders": rows}})
    assert replace(national, feedback_days=7).feedback_days == 7
