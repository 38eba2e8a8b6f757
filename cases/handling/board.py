"""The clocks that run in the cases somebody sees, the next ones first: what is late or soon will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.deadlines.deadline import WARN_DAYS
from cases.handling.clocks import PetitionClock, today
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from cases.register.due import DueDate
from cases.register.reach import reaches_of_actor
from cases.visibility import visible_petitions


class Which(StrEnum):
    """What is asked for."""

    ALL = "all"
    NEAR = "near"
    OVERDUE = "overdue"


COUNTED = (Which.NEAR, Which.OVERDUE)
_KEEPER, _HANDLER, _BEARER = aliased(Organisation), aliased(Organisation), aliased(Organisation)
_CLOCKS = (
    select(
        PetitionClock, PetitionCase.id, PetitionCase.number, PetitionCase.subject,
        func.coalesce(_BEARER.short_name, _HANDLER.short_name, _KEEPER.short_name),
    )
    .join(PetitionCase, PetitionCase.id == PetitionClock.petition_id)
    .join(_KEEPER, _KEEPER.id == PetitionCase.custodian_id)
    .outerjoin(_HANDLER, _HANDLER.id == PetitionCase.handler_id)
    .outerjoin(_BEARER, _BEARER.id == PetitionClock.organisation_id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenClock:
    """A clock and what a list shows of its case; `unit` is the short name of who has to act."""

    clock: PetitionClock
    petition_id: str
    number: str
    subject: str
    unit: str


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """How many run, how many of them are near their end, how many are late."""

    running: int
    near: int
    overdue: int


async def list_open_clocks(
    db: AsyncSession, clock: Clock, actor: Actor, which: Which, limit: int = 50, offset: int = 0
) -> Sequence[OpenClock]:
    """Clocks of cases that the actor sees, by the date that decides; overdue ones first, so to say."""
    require(actor, Action.SEE_PETITION)
    due = _due(actor, *_which(which, today(clock)))
    due = due.order_by(DueDate.rolled_on, DueDate.clock_id).limit(limit).offset(offset)
    ids = [row.clock_id for row in await db.execute(due)]
    query = _CLOCKS.where(PetitionClock.id.in_(ids), visible_petitions(actor))
    found = {row[0].id: OpenClock(*row) for row in await db.execute(query)} if ids else {}
    return [found[each] for each in ids if each in found]


async def count_open_clocks(db: AsyncSession, clock: Clock, actor: Actor) -> OpenCounts:
    """The same in figures."""
    require(actor, Action.SEE_PETITION)
    now = today(clock)
    due = _due(actor).subquery()
    counts = (func.sum(case((and_(*_which(which, now, due.c)), 1), else_=0)) for which in COUNTED)
    running, near, overdue = (await db.execute(select(func.count(), *counts).select_from(due))).one()
    return OpenCounts(running, near or 0, overdue or 0)


def _due(actor: Actor, *conditions: ColumnElement[bool]) -> Select[date, date, str]:
    reaches = reaches_of_actor(actor, Action.SEE_PETITION)
    query = select(DueDate.rolled_on, DueDate.raw_on, DueDate.clock_id)
    query = query.where(DueDate.reach.in_(reaches), *conditions)
    return query.distinct() if len(reaches) > 1 else query


def _which(which: Which, now: date, of: Any = DueDate) -> list[ColumnElement[bool]]:
    """People are warned by the raw date; only the rolled one makes late."""
    if which is Which.OVERDUE:
        return [of.rolled_on < now]
    if which is Which.NEAR:
        return [of.rolled_on >= now, of.raw_on <= now + timedelta(days=WARN_DAYS)]
    return []
