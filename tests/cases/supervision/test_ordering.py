"""Supervision orders on both databases: who issues them to whom, what may follow, what is refused."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.casefile import PetitionClass
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.petitions import list_petition_events
from cases.policy import SYSTEM
from cases.supervision.board import OrderFilter, Which, count_orders, list_orders
from cases.supervision.order import Adoption, OrderState, OrderStep, Reason
from cases.supervision.ordering import get_order, list_order_steps, list_supervised, steps_for
from tests.cases.supervision.conftest import HANDLER, HEAD, INSPECTOR, KEEPER, LEADER, Matter
from tests.factories import make_petition


async def test_an_order_from_issue_to_the_end(matter: Matter) -> None:
    order = await matter.issue()
    assert (order.number, order.state, order.issuer_id) == (
        "DB2026-000001", OrderState.ISSUED, matter.world.chengguan.id,
    )  # fmt: skip
    assert steps_for(matter.actor(HANDLER), order) == [OrderStep.REPORT]
    assert steps_for(matter.actor(LEADER), order) == [OrderStep.WITHDRAW]
    assert steps_for(matter.actor(KEEPER), order) == steps_for(matter.actor(INSPECTOR), order) == []
    order = await matter.take(HEAD, order, "report", adoption="partly", words="屋顶已修，墙面月底前修。")
    assert (order.state, order.adoption, steps_for(matter.actor(HANDLER), order)) == (
        OrderState.REPORTED, Adoption.PARTLY, [],
    )  # fmt: skip
    order = await matter.take(LEADER, order, "send_back", due_on="2026-08-20", words="墙面呢？")
    assert order.state is OrderState.SENT_BACK and order.due_on.isoformat() == "2026-08-20"
    order = await matter.take(HANDLER, order, "report")
    order = await matter.take(LEADER, order, "close", words="情况属实。")
    assert order.state is OrderState.CLOSED and steps_for(matter.actor(LEADER), order) == []
    steps = await list_order_steps(matter.db, order.id)
    assert [(step.number, step.state, step.adoption) for step in steps] == [
        (1, OrderState.REPORTED, Adoption.PARTLY), (2, OrderState.SENT_BACK, None),
        (3, OrderState.REPORTED, Adoption.ADOPTED), (4, OrderState.CLOSED, None),
    ]  # fmt: skip
    events = await list_petition_events(matter.db, SYSTEM, matter.id)
    told = [event for event in events if event.kind.startswith("supervision.")]
    assert [event.kind.partition(".")[2] for event in told] == [
        "ordered", "reported", "sent_back", "reported", "closed",
    ]  # fmt: skip
    assert told[0].data["reason"] == "未按规定期限办理" and told[1].data["adoption"] == "部分采纳"
    audited = [row.action for row in await matter.db.scalars(select(AuditEntry))]
    assert audited.count("supervision.reported") == 2


async def test_offices_above_supervise_the_keeper_and_departments_nobody(matter: Matter) -> None:
    petition = await make_petition(matter.db, matter.clock, matter.world.chengguan, "别的")
    city, own = matter.world.city.id, matter.world.chengguan.id
    whom = {unit.id for unit in await list_supervised(matter.db, petition, city)}
    assert whom == {own} and await list_supervised(matter.db, petition, own) == []
    order = await matter.issue(INSPECTOR, unit_id=own, reason="refused")
    assert order.issuer_id == city and order.reason is Reason.REFUSED
    order = await matter.take(KEEPER, order, "report", adoption="not_adopted", words="有正当理由。")
    assert steps_for(matter.actor(LEADER), order) == []
    for who in (KEEPER, HANDLER, HEAD, "city.receptionist"):
        with pytest.raises(Forbidden):
            await matter.issue(who)
    for who in ("xigu.leader", "city.sysadmin"):
        with pytest.raises(NotFound):
            await matter.issue(who)
    with pytest.raises(Invalid) as refused:  # Nobody supervises the own office.
        await matter.issue(LEADER, unit_id=own)
    assert refused.value.field == "unit_id"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": "lazy"}, "reason"),
        ({"due_on": "2026-02-30"}, "due_on"),
        ({"due_on": "2026-07-22"}, "due_on"),
        ({"due_on": "9999-12-31"}, "due_on"),
        ({"due_on": ""}, "due_on"),
        ({"words": "　"}, "words"),
        ({"words": "长" * 1001}, "words"),
        ({"unit_id": "no-such-unit"}, "unit_id"),
    ],
)
async def test_what_is_typed_wrongly_is_told_at_its_field(
    matter: Matter, wrong: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await matter.issue(LEADER, **wrong)
    assert refused.value.field == field
    assert "supervision.ordered" not in await matter.history()


async def test_moves_that_the_table_does_not_know_are_refused(matter: Matter) -> None:
    order = await matter.issue()
    for who, step in ((LEADER, "close"), (LEADER, "send_back"), (LEADER, "explode")):
        with pytest.raises(Conflict, match="bad_order_step"):
            await matter.take(who, order, step, due_on="2026-08-20")
    with pytest.raises(Forbidden):
        await matter.take(INSPECTOR, order, "withdraw")
    with pytest.raises(Forbidden):
        await matter.take(LEADER, order, "report")
    with pytest.raises(Invalid, match="choose"):
        await matter.take(HANDLER, order, "report", adoption="maybe")
    order = await matter.take(LEADER, order, "withdraw", words="发错了。")
    with pytest.raises(Conflict, match="bad_order_step"):
        await matter.take(HANDLER, order, "report")


async def test_of_two_who_decide_at_once_one_is_told(matter: Matter, database: Database) -> None:
    order = await matter.issue()
    await matter.take(HANDLER, order, "report")

    async def decide(step: str) -> str:
        async with database.session() as db:
            desk = Matter(db, matter.clock, matter.world, matter.id)
            try:
                return (await desk.take(LEADER, order, step, due_on="2026-08-20")).state
            except RuleError as error:
                return error.code

    ends = sorted(await asyncio.gather(*(decide(step) for step in ("close", "send_back") * 2)))
    assert len([end for end in ends if end in ("closed", "sent_back")]) == 1, ends
    assert set(ends) - {"closed", "sent_back"} <= {"bad_order_step", "order_moved"}
    assert len(await list_order_steps(matter.db, order.id)) == 2


async def test_the_board_holds_what_one_sees_by_its_last_day(matter: Matter) -> None:
    late = await matter.issue(due_on="2026-07-25", reason="evaded")
    soon = await matter.issue(INSPECTOR, due_on="2026-08-05")
    matter.clock.advance(days=10)

    async def numbers(who: str, which: Which, **more: str) -> list[str]:
        wanted = OrderFilter(which, **more)  # type: ignore[arg-type]
        return [o.number for o in await list_orders(matter.db, matter.clock, matter.actor(who), wanted)]

    both = [late.number, soon.number]
    for who in (LEADER, INSPECTOR, HANDLER, "province.reviewer"):
        assert await numbers(who, Which.OPEN) == both, who
    assert await numbers("xigu.leader", Which.OPEN) == []
    assert await numbers(LEADER, Which.OVERDUE) == [late.number]
    assert await numbers(LEADER, Which.OPEN, reason="overdue") == [soon.number]
    assert await numbers(LEADER, Which.OPEN, unit_id=matter.world.city.id) == []
    await matter.take(HANDLER, late, "report")
    assert await count_orders(matter.db, matter.clock, matter.actor(LEADER)) == {
        Which.OPEN: 2, Which.WAITING: 1, Which.REPORTED: 1, Which.OVERDUE: 0,
    }  # fmt: skip


async def test_a_secret_case_is_supervised_by_leave_alone(matter: Matter) -> None:
    secret = await make_petition(
        matter.db, matter.clock, matter.world.chengguan, "密的", class_=PetitionClass.ACCUSATION
    )
    hidden = Matter(matter.db, matter.clock, matter.world, secret.id)
    for who in (LEADER, INSPECTOR):
        with pytest.raises(NotFound):
            await hidden.issue(who, unit_id=matter.world.chengguan.id)
    order = await matter.issue()
    with pytest.raises(NotFound):
        await get_order(matter.db, matter.actor("xigu.leader"), order.id)
