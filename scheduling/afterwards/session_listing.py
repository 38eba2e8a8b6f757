"""The receptions, and the promises, behind a figure: exactly those that were counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.errors import NotFound
from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.policy import Action, Actor, require
from cases.task import PetitionTask, TaskState, TaskStep
from scheduling.afterwards.session_measure import (
    PROMISES,
    Conditions,
    measures,
    promises_of,
    receptions_of,
)
from scheduling.reach import visible_sessions
from scheduling.session import Session

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Promise:
    """A task that came of a reception. `done_on`: the day it was reported done, if it was."""

    task: PetitionTask
    session: Session
    done_on: date | None


async def list_receptions(
    db: AsyncSession, today: date, actor: Actor, name: str, period: Period, filters: Filters,
    *, other: str = "", limit: int = 50, offset: int = 0,
) -> tuple[Sequence[Session], int]:  # fmt: skip
    """The receptions that a measure counted, the newest first, and how many there are.

    `other`: without those that this measure counts. Raises NotFound for no such measure.
    """
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_SESSION)
    which = _which(measures(today), name, other)
    ground = await find_ground(db, actor, filters)
    query = seen_receptions(receptions_of(ground, period, select(Session)).where(*which), actor)
    total = await count_rows(db, query)
    query = query.order_by(Session.starts_at.desc(), Session.id)
    rows = await db.scalars(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))
    return rows.unique().all(), total


async def list_promises(
    db: AsyncSession, today: date, actor: Actor, name: str, period: Period, filters: Filters,
    *, other: str = "", limit: int = 50, offset: int = 0,
) -> tuple[Sequence[Promise], int]:  # fmt: skip
    """The same of promises, the first due first."""
    require(actor, Action.SEE_FIGURES)
    require(actor, Action.SEE_SESSION)
    which = _which(PROMISES, name, other)
    ground = await find_ground(db, actor, filters)
    query = promises_of(ground, period, today, select(PetitionTask, Session)).where(*which)
    query = seen_receptions(query, actor)
    total = await count_rows(db, query)
    query = query.order_by(PetitionTask.due_on, PetitionTask.id)
    found = (await db.execute(query.limit(min(limit, MOST_ROWS)).offset(max(offset, 0)))).unique().all()
    steps = select(TaskStep).where(
        TaskStep.task_id.in_([task.id for task, _ in found]), TaskStep.state == TaskState.DONE
    )
    done = {step.task_id: step.at.astimezone(BEIJING).date() for step in await db.scalars(steps)}
    return [Promise(task, session, done.get(task.id)) for task, session in found], total


def _which(known: Mapping[str, Conditions], name: str, other: str) -> Sequence[ColumnElement[bool]]:
    if name not in known or (other and other not in known):
        raise NotFound("figure_not_found", "没有这项统计。")
    without = [not_(func.coalesce(and_(*known[other]), False))] if other and known[other] else []
    return [*known[name], *without]


def seen_receptions(query: Select[Any], actor: Actor) -> Select[Any]:
    """Those of `query` over Session that the actor sees: a list tells no more than the pages behind it."""
    joined = query.join(PetitionCase, PetitionCase.id == Session.petition_id)
    return joined.where(visible_sessions(actor))


async def count_rows(db: AsyncSession, query: Select[Any]) -> int:
    """How many there are without a limit."""
    return await db.scalar(select(func.count()).select_from(query.subquery())) or 0
