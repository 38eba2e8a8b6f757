"""What is supervised in the cases somebody sees: orders by their last day, and the cases that are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from cases.supervision.measures import LASTING, SupervisionMeasure
from cases.supervision.order import OPEN, WAITING, OrderState, Reason, SupervisionOrder
from cases.visibility import visible_petitions


class Which(StrEnum):
    """Which orders are asked for."""

    OPEN = "open"
    WAITING = "waiting"
    REPORTED = "reported"
    OVERDUE = "overdue"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """`unit_id` and `reason` empty: all."""

    which: Which = Which.OPEN
    reason: Reason | None = None
    unit_id: str = ""


async def list_orders(
    db: AsyncSession, clock: Clock, actor: Actor, wanted: OrderFilter, limit: int = 50, offset: int = 0
) -> Sequence[SupervisionOrder]:
    """Orders of cases that the actor sees; open ones by their last day, others by the newest."""
    require(actor, Action.SEE_PETITION)
    query = select(SupervisionOrder).options(joinedload(SupervisionOrder.petition).raiseload("*"))
    query = query.where(_seen(actor, SupervisionOrder), *_which(wanted.which, today(clock)))
    if wanted.reason:
        query = query.where(SupervisionOrder.reason == wanted.reason)
    if wanted.unit_id:
        query = query.where(SupervisionOrder.unit_id == wanted.unit_id)
    last = SupervisionOrder.at.desc() if wanted.which is Which.OVER else SupervisionOrder.due_on
    query = query.order_by(last, SupervisionOrder.number).limit(limit).offset(offset)
    return (await db.scalars(query)).unique().all()


async def count_orders(db: AsyncSession, clock: Clock, actor: Actor) -> dict[Which, int]:
    """How many there are of each kind that is still work; those that are over are not counted: there are ten
    thousand after some years, and whether the actor sees one is asked of its case.
    """
    require(actor, Action.SEE_PETITION)
    now, counted = today(clock), [which for which in Which if which is not Which.OVER]
    sums = [func.sum(case((and_(*_which(which, now)), 1), else_=0)) for which in counted]
    query = select(*sums).select_from(SupervisionOrder)
    query = query.where(SupervisionOrder.state.in_(OPEN), _seen(actor, SupervisionOrder))
    row = (await db.execute(query)).one()
    return {which: row[number] or 0 for number, which in enumerate(counted)}


async def list_units_of_orders(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """The units that have orders in cases the actor sees: names by id, for the filter."""
    require(actor, Action.SEE_PETITION)
    # Of each unit until the first that is seen: whoever sees few of many would have all of them looked at.
    one = select(SupervisionOrder.id).where(
        SupervisionOrder.unit_id == Organisation.id, _seen(actor, SupervisionOrder)
    )
    has = one.correlate(Organisation).limit(1).scalar_subquery().is_not(None)
    units = select(SupervisionOrder.unit_id).distinct().cte("units").prefix_with("MATERIALIZED")
    query = select(Organisation.id, Organisation.name).join(units, units.c.unit_id == Organisation.id)
    query = query.where(has)
    rows = [(row_id, name) for row_id, name in await db.execute(query)]
    return dict(sorted(rows, key=lambda pair: pair[1]))


async def list_listed(
    db: AsyncSession, actor: Actor, over: bool = False, limit: int = 50, offset: int = 0
) -> Sequence[SupervisionMeasure]:
    """Listed cases and those before the joint conference, by the day they are to be solved; or ended ones."""
    require(actor, Action.SEE_PETITION)
    query = select(SupervisionMeasure).options(joinedload(SupervisionMeasure.petition).raiseload("*"))
    ended = SupervisionMeasure.ended_at.is_not(None) if over else SupervisionMeasure.ended_at.is_(None)
    query = query.where(_seen(actor, SupervisionMeasure), SupervisionMeasure.kind.in_(LASTING), ended)
    last = SupervisionMeasure.ended_at.desc() if over else SupervisionMeasure.due_on
    query = query.order_by(last, SupervisionMeasure.id).limit(limit).offset(offset)
    return (await db.scalars(query)).unique().all()


def _seen(actor: Actor, of: type[SupervisionOrder] | type[SupervisionMeasure]) -> ColumnElement[bool]:
    """Not a join: orders are few, and SQLite would begin with the cases."""
    return exists().where(PetitionCase.id == of.petition_id, visible_petitions(actor)).correlate(of)


def _which(which: Which, now: date) -> list[ColumnElement[bool]]:
    if which is Which.OPEN:
        return [SupervisionOrder.state.in_(OPEN)]
    if which is Which.OVER:
        return [SupervisionOrder.state.not_in(OPEN)]
    if which is Which.REPORTED:
        return [SupervisionOrder.state == OrderState.REPORTED]
    waiting = SupervisionOrder.state.in_(WAITING)
    return [waiting, SupervisionOrder.due_on < now] if which is Which.OVERDUE else [waiting]
