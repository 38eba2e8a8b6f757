"""The clocks that run in the cases somebody sees, the next ones first: what is late or soon will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.deadlines.deadline import WARN_DAYS
from cases.handling.clocks import PROFILES, PetitionClock, today
from cases.policy import Action, Actor, require
from cases.visibility import visible_petitions

# A right that was not used is nobody's delay.
RIGHTS = sorted({duty.code for each in PROFILES.values() for duty in each.duties.values() if duty.right})


class Which(StrEnum):
    """What is asked for."""

    ALL = "all"
    NEAR = "near"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class OpenClock:
    """A clock and its case."""

    clock: PetitionClock
    petition: PetitionCase


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
    query = select(PetitionClock, PetitionCase).join(PetitionCase)
    query = query.where(_open(actor), *_which(which, today(clock)))
    query = query.order_by(PetitionClock.rolled_on, PetitionClock.id).limit(limit).offset(offset)
    return [OpenClock(row, petition) for row, petition in (await db.execute(query)).unique()]


async def count_open_clocks(db: AsyncSession, clock: Clock, actor: Actor) -> OpenCounts:
    """The same in figures."""
    require(actor, Action.SEE_PETITION)
    now = today(clock)
    query = select(
        func.count(),
        *(func.sum(case((and_(*_which(which, now)), 1), else_=0)) for which in (Which.NEAR, Which.OVERDUE)),
    )
    query = query.select_from(PetitionClock).join(PetitionCase).where(_open(actor))
    running, near, overdue = (await db.execute(query)).one()
    return OpenCounts(running, near or 0, overdue or 0)


def _open(actor: Actor) -> ColumnElement[bool]:
    return and_(
        PetitionClock.met_on.is_(None),
        PetitionClock.rolled_on.is_not(None),
        PetitionClock.duty.not_in(RIGHTS),
        visible_petitions(actor),
    )


def _which(which: Which, now: date) -> list[ColumnElement[bool]]:
    """People are warned by the raw date; only the rolled one makes late."""
    if which is Which.OVERDUE:
        return [PetitionClock.rolled_on < now]
    if which is Which.NEAR:
        return [PetitionClock.rolled_on >= now, PetitionClock.raw_on <= now + timedelta(days=WARN_DAYS)]
    return []
