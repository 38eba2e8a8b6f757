"""Steps of a case on both databases: who may take them, what they need, which clocks they move."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.casefile import PetitionCase, PetitionState
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.awaited import list_awaited
from cases.handling.clocks import list_clocks
from cases.handling.procedure import RULES, Step
from cases.handling.taking import steps_for, take_step
from cases.handling.told import list_units
from cases.petitions import get_petition, list_petition_events
from tests.cases.documents.papers import deliver_step
from tests.clock import FixedClock
from tests.factories import World, make_petition

KEEPER, HANDLER, HEAD = "chengguan.receptionist", "housing.handler", "housing.unit_head"
CLAIM = {"class": "claim", "way": "handle", "words": "楼道漏水，请求修理。"}


class Desk:
    """One case, and who works on it."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World, petition: PetitionCase) -> None:
        self.db, self.clock, self.world, self.id = db, clock, world, petition.id
        self.unit = world.housing.id

    async def take(self, who: str, step: str, **given: str) -> PetitionCase:
        """Take a step; where it is the delivery of a paper, the paper is issued and delivered."""
        actor = self.world.actor(who)
        if step in set(Step) and RULES[Step(step)].delivers is not None:
            await deliver_step(self.db, self.clock, actor, self.id, step, **given)
            return await get_petition(self.db, actor, self.id)
        return await self.take_bare(who, step, **given)

    async def take_bare(self, who: str, step: str, **given: str) -> PetitionCase:
        return await take_step(self.db, self.clock, self.world.actor(who), self.id, step, given)

    async def until_forwarded(self, step: str = "forward", **more: str) -> None:
        await self.take(KEEPER, "classify", **CLAIM)
        await self.take(KEEPER, step, unit=self.unit, words="请依法办理。", **more)

    async def until_accepted(self, on: str = "") -> None:
        await self.until_forwarded()
        await self.take(HANDLER, "accept", on=on, words="决定受理。")

    async def clocks(self) -> dict[str, tuple[date | None, date | None]]:
        return {row.duty: (row.rolled_on, row.met_on) for row in await list_clocks(self.db, self.id)}


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world, await make_petition(db, clock, world.chengguan))


async def test_a_case_from_registration_to_the_archive(desk: Desk) -> None:
    registered = desk.clock.now().date()
    assert list(await desk.clocks()) == ["register_route"]
    await desk.until_forwarded("assign", days="45")
    assert await desk.clocks() == {
        "register_route": (date(2026, 8, 6), registered),
        "forward_notice": (date(2026, 8, 6), None),
        "forward_objection": (date(2026, 7, 29), None),
        "assigned_feedback": (date(2026, 9, 7), None),
    }
    desk.clock.advance(days=3)
    await desk.take(HANDLER, "notify", service="post", on="2026-07-25", proof="EMS 1090")
    accepted = await desk.take(HANDLER, "accept", on="2026-07-25", words="决定受理。")
    assert accepted.accepted_on == date(2026, 7, 25) and accepted.handler_id == desk.unit
    assert (await desk.clocks())["handle"] == (date(2026, 9, 23), None)
    await desk.take(HEAD, "extend", days="20", words="要做房屋鉴定。")
    assert (await desk.clocks())["handle"] == (date(2026, 10, 13), None)
    with pytest.raises(Invalid) as refused:
        await desk.take(HEAD, "extend", days="11", words="再延长。")
    assert refused.value.code == "bad_extension"
    assert (await desk.clocks())["handle"] == (date(2026, 10, 13), None)
    desk.clock.advance(days=70)
    await desk.take(HANDLER, "conclude", conclusion="support", words="九月底前修好。")
    with pytest.raises(Conflict) as early:
        await desk.take(KEEPER, "close", words="已办结。")
    assert early.value.code == "not_delivered"
    await desk.take(HANDLER, "deliver", service="in_person", on="", proof="签收单")
    concluded = desk.clock.now().date()
    desk.clock.advance(days=30)  # 2 November, the last day on which a review can be asked for.
    with pytest.raises(Conflict) as right:
        await desk.take(KEEPER, "close", words="已办结。")
    assert right.value.code == "right_runs" and "2026年11月2日" in right.value.message
    desk.clock.advance(days=1)
    closed = await desk.take(KEEPER, "close", words="没有请求复查。")
    assert (closed.state, closed.conclusion) == (PetitionState.CLOSED, "support")
    assert closed.concluded_on == concluded
    assert all(met for _, met in (await desk.clocks()).values() if _ != date(2026, 7, 29))
    events = await list_petition_events(desk.db, desk.world.actor(KEEPER), desk.id)
    events = [event for event in events if event.kind.startswith("petition.")]
    kinds = [event.kind.removeprefix("petition.") for event in events]
    assert kinds[:5] == ["registered", "classified", "assigned", "notified", "accepted"]
    assert kinds[5:] == ["extended", "concluded", "delivered", "closed"]
    assert events[3].data == {"service": "邮寄", "on": "2026-07-25", "proof": "EMS 1090"}
    audit = (await desk.db.scalars(select(AuditEntry))).all()
    assert sum(entry.action.startswith("petition.") for entry in audit) >= 9


async def test_a_unit_that_is_not_responsible_objects_and_the_office_decides(desk: Desk) -> None:
    await desk.until_forwarded()
    assert (await desk.take(HANDLER, "object", words="属于城管职责。")).state is PetitionState.OBJECTED
    declined = await desk.take(KEEPER, "decline_return", words="房屋漏水是你单位职责。")
    assert declined.state is PetitionState.FORWARDED and declined.handler_id == desk.unit
    await desk.take(HANDLER, "object", words="三定方案附后。")
    returned = await desk.take(KEEPER, "agree_return", words="核实无误。")
    assert returned.state is PetitionState.RETURNED and returned.handler_id is None
    with pytest.raises(NotFound):
        await get_petition(desk.db, desk.world.actor(HANDLER), desk.id)
    assert [duty for duty, (_, met) in (await desk.clocks()).items() if met is None] == ["register_route"]


async def test_an_objection_has_five_working_days(desk: Desk) -> None:
    await desk.until_forwarded()
    desk.clock.advance(days=8)  # Thursday, 30 July; Wednesday was the fifth working day.
    with pytest.raises(Conflict) as late:
        await desk.take(HANDLER, "object", words="不是我们的。")
    assert late.value.code == "objection_late"


@pytest.mark.parametrize(
    ("who", "step", "error"),
    [
        ("xigu.receptionist", "classify", NotFound),
        ("city.receptionist", "classify", Forbidden),
        (HANDLER, "classify", NotFound),
        (KEEPER, "accept", Forbidden),
        (KEEPER, "forward", Conflict),
        (KEEPER, "burn", Conflict),
        ("city.sysadmin", "classify", NotFound),
    ],
)
async def test_who_may_not(desk: Desk, who: str, step: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await desk.take(who, step, **CLAIM)
    assert (await desk.take(KEEPER, "classify", **CLAIM)).state is PetitionState.CLASSIFIED


async def test_only_the_unit_answers_and_only_its_head_extends(desk: Desk) -> None:
    await desk.until_accepted()
    actor = desk.world.actor
    petition = await get_petition(desk.db, actor(HANDLER), desk.id)
    assert [str(step) for step in steps_for(actor(HANDLER), petition)] == ["conclude"]
    assert [str(step) for step in steps_for(actor(HEAD), petition)] == ["extend", "conclude"]
    assert steps_for(actor(KEEPER), petition) == []
    waited = await list_awaited(desk.db, actor(HANDLER), petition)
    (head,) = [each for each in waited if "extend" in each.steps]
    assert head.office == desk.world.housing.short_name and desk.world.officials[HEAD].name in head.names
    assert not any("extend" in each.steps for each in await list_awaited(desk.db, actor(HEAD), petition))
    told = {str(step) for each in await list_awaited(desk.db, actor(KEEPER), petition) for step in each.steps}
    assert {"extend", "conclude"} <= told
    with pytest.raises(Forbidden):
        await desk.take(HANDLER, "extend", days="10", words="复杂。")


@pytest.mark.parametrize(
    ("step", "given", "code", "field"),
    [
        ("classify", CLAIM | {"class": "gossip"}, "choose", "class"),
        ("classify", CLAIM | {"way": "discipline"}, "way_unfit", "way"),
        ("classify", CLAIM | {"words": " \u202e\u200b"}, "required", "words"),
        ("classify", CLAIM | {"words": "好" * 2001}, "too_long", "words"),
        ("forward", {"unit": "nobody", "words": "办"}, "unit_unknown", "unit"),
        ("forward", {"words": "办"}, "unit_unknown", "unit"),
        ("assign", {"days": "0", "words": "办"}, "bad_days", "days"),
        ("assign", {"days": "９", "words": "办"}, "bad_days", "days"),
        ("assign", {"days": "9" * 5000, "words": "办"}, "bad_days", "days"),
        ("accept", {"on": "2026-13-01", "words": "受理"}, "bad_date", "on"),
        ("accept", {"on": "2027-01-01", "words": "受理"}, "date_in_future", "on"),
        ("accept", {"on": "2020-01-01", "words": "受理"}, "date_too_early", "on"),
    ],
)
async def test_what_is_refused_at_the_field(
    desk: Desk, step: str, given: dict[str, Any], code: str, field: str
) -> None:
    if step in ("forward", "assign"):
        await desk.take(KEEPER, "classify", **CLAIM)
        given = {"unit": desk.unit} | given if step == "assign" else given
    if step == "accept":
        await desk.until_forwarded()
    before = len(await list_petition_events(desk.db, desk.world.actor(KEEPER), desk.id))
    with pytest.raises(Invalid) as refused:
        await desk.take(HANDLER if step == "accept" else KEEPER, step, **given)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert len(await list_petition_events(desk.db, desk.world.actor(KEEPER), desk.id)) == before


async def test_what_turns_out_an_accusation_is_secret_and_goes_to_the_discipline_organs(desk: Desk) -> None:
    accusation = {"class": "accusation", "way": "discipline", "words": "反映收受好处。"}
    classified = await desk.take(KEEPER, "classify", **accusation)
    assert classified.confidential
    with pytest.raises(NotFound):
        await get_petition(desk.db, desk.world.actor("chengguan.leader"), desk.id)
    routed = await desk.take(KEEPER, "route", body="城关区纪委监委", words="按干部管理权限移送。")
    assert routed.state is PetitionState.ROUTED


async def test_it_goes_to_nobody_whom_it_accuses(db: AsyncSession, clock: FixedClock, world: World) -> None:
    accusing = await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id)
    units = {unit.name for unit in await list_units(db, accusing)}
    assert units == {"西固区信访局"}


async def test_of_two_at_once_one_is_told_that_it_was_too_late(
    database: Database, clock: FixedClock, world: World, desk: Desk
) -> None:
    async def classify(way: str) -> str:
        async with database.session() as db:
            try:
                await take_step(db, clock, world.actor(KEEPER), desk.id, "classify", CLAIM | {"way": way})
            except Conflict as error:
                return error.code
            return "done"

    assert sorted(await asyncio.gather(classify("handle"), classify("arbitration"))) in (
        ["done", "petition_moved"],
        ["done", "done"],  # One after the other: a case may be classified again.
    )
    kinds = [event.kind for event in await list_petition_events(desk.db, world.actor(KEEPER), desk.id)]
    assert kinds.count("petition.classified") in (1, 2)
