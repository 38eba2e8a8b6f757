"""A version of a region's deadlines and changes that wait, for pages; far ahead, nothing runs by them."""

from __future__ import annotations

from datetime import timedelta

from cases.administration.deadline_proposals import decide_rules, propose_rules
from cases.administration.deadline_rules import TypedDuty, TypedRules
from cases.handling.clocks import today
from cases.second_person import Decision
from recordings.archive.class_change import propose_change
from recordings.archive.retention import DEFAULT_CLASSES, read_classes
from tests.web.conftest import House

SYSADMIN, SECURITY = "city.sysadmin", "city.security_admin"
LAW = "兰州市信访工作办法"


def rules_from(house: House, days: str, ahead: int, region: str = "6201") -> TypedRules:
    """Other days for one duty, so many days ahead."""
    day = today(house.clock) + timedelta(days=ahead)
    duty = TypedDuty(days, "calendar", "0", "第八条")
    return TypedRules(region, day.isoformat(), f"《{LAW}》", True, {"forward_notice": duty})


async def make_rules(house: House) -> None:
    """Version 1 of the city, a second one that waits, and a class of recordings that is to be longer."""
    clock, one, other = house.clock, house.world.actor(SYSADMIN), house.world.actor(SECURITY)
    async with house.database.session() as db:
        row = await propose_rules(db, clock, one, rules_from(house, "10", 400), "市里的新办法")
        await decide_rules(db, clock, other, row.id, Decision.CONFIRMED)
        await propose_rules(db, clock, one, rules_from(house, "20", 410), "放宽，便于核实")
        classes = read_classes(DEFAULT_CLASSES)
        await propose_change(db, clock, one, classes, "short", "15", "档案部门来函")
