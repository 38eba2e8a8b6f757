"""Things under supervision for pages: an order that waits, one that was answered, a listed case, a notice."""

from __future__ import annotations

from datetime import timedelta

from cases.handling.clocks import today
from cases.supervision.measures import NewMeasure, take_measure
from cases.supervision.notices import tell_reminders
from cases.supervision.ordering import NewOrder, Taken, issue_order, take_order_step
from tests.web.conftest import House


async def supervise(house: House, petition_id: str) -> str:
    """Supervise the office that keeps the case from above; the id of the order that waits for it."""
    leader, keeper = house.world.actor("city.leader"), house.world.actor("chengguan.receptionist")
    unit = house.world.chengguan.id
    day = [(today(house.clock) + timedelta(days=days)).isoformat() for days in (3, 30)]
    async with house.database.session() as db:
        clock = house.clock
        answered = await issue_order(
            db, clock, leader, petition_id, NewOrder(unit, "evaded", day[0], "群众多次反映，请说明。")
        )
        taken = Taken("已经约见群众，屋顶本月修好。", "partly")
        await take_order_step(db, clock, keeper, answered.id, "report", taken)
        waiting = await issue_order(
            db, clock, leader, petition_id, NewOrder(unit, "overdue", day[0], "请说明原因，并尽快转送。")
        )
        await take_measure(
            db, clock, leader, petition_id, NewMeasure("listed", unit, day[1], "长期没有解决。")
        )
        await tell_reminders(db, clock)
        return waiting.id
