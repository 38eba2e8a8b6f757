"""Supervision in figures for the yearly report (Art. 41: supervised matters, advice and what was adopted)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.errors import Invalid
from cases.handling.clocks import today
from cases.policy import Action, Actor, require
from cases.supervision.measures import MeasureKind, SupervisionMeasure
from cases.supervision.order import Adoption, OrderState, Reason, SupervisionOrder
from cases.visibility import visible_petitions

FIRST_YEAR = 2005


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """Of one supervised unit: orders, reported in time, reported late, not reported and late."""

    unit: str
    orders: int
    in_time: int
    late: int
    missing: int


@dataclass(frozen=True, slots=True)
class SupervisionFigures:
    """Of one year, by the day of the order. Withdrawn ones count in `orders` and `withdrawn` alone."""

    year: int
    orders: int = 0
    withdrawn: int = 0
    closed: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    adoptions: Counter[Adoption] = field(default_factory=Counter)
    measures: Counter[MeasureKind] = field(default_factory=Counter)
    units: tuple[UnitFigures, ...] = ()


async def supervision_figures(
    db: AsyncSession, clock: Clock, actor: Actor, year: str = ""
) -> SupervisionFigures:
    """Count the cases that the actor sees. Raises Invalid `bad_year`."""
    require(actor, Action.SEE_PETITION)
    now = today(clock)
    wanted = _year(year, now)
    first = datetime.combine(date(wanted, 1, 1), time(), BEIJING)
    last = datetime.combine(date(wanted + 1, 1, 1), time(), BEIJING)
    query = select(SupervisionOrder).join(PetitionCase, SupervisionOrder.petition_id == PetitionCase.id)
    query = query.where(visible_petitions(actor), SupervisionOrder.at >= first, SupervisionOrder.at < last)
    orders = (await db.scalars(query)).unique().all()
    taken = select(SupervisionMeasure.kind)
    taken = taken.join(PetitionCase, SupervisionMeasure.petition_id == PetitionCase.id)
    taken = taken.where(
        visible_petitions(actor), SupervisionMeasure.at >= first, SupervisionMeasure.at < last
    )
    counted = [order for order in orders if order.state is not OrderState.WITHDRAWN]
    return SupervisionFigures(
        wanted,
        orders=len(orders),
        withdrawn=len(orders) - len(counted),
        closed=sum(order.state is OrderState.CLOSED for order in counted),
        reasons=Counter(order.reason for order in counted),
        adoptions=Counter(order.adoption for order in counted if order.adoption),
        measures=Counter((await db.scalars(taken)).all()),
        units=_units(counted, now),
    )


def _units(orders: list[SupervisionOrder], now: date) -> tuple[UnitFigures, ...]:
    by_unit: dict[str, list[SupervisionOrder]] = {}
    for order in orders:
        by_unit.setdefault(order.unit.name, []).append(order)
    rows = []
    for name, theirs in sorted(by_unit.items()):
        reported = [order for order in theirs if order.reported_on is not None and not order.is_late(now)]
        late = sum(order.reported_on is not None and order.reported_on > order.due_on for order in reported)
        missing = sum(order.is_late(now) for order in theirs)
        rows.append(UnitFigures(name, len(theirs), len(reported) - late, late, missing))
    return tuple(rows)


def _year(typed: str, now: date) -> int:
    if not typed:
        return now.year
    if not (typed.isascii() and typed.isdigit() and FIRST_YEAR <= int(typed[:5]) <= now.year):
        raise Invalid("bad_year", f"请选择 {FIRST_YEAR} 到 {now.year} 年。", "year")
    return int(typed)
