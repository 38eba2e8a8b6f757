"""Figures of video receptions: how many were planned and held, how late they began, what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import Date, Integer

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period
from cases.figures.scope import Filters, find_ground
from cases.policy import Action, Actor, require
from cases.task import PetitionTask, TaskState, TaskStep
from scheduling.afterwards.ratings import FEWEST, SATISFIED, Rating
from scheduling.arrival.identity import NEEDS_IDENTITY
from scheduling.incidents.incident import Cause, Incident
from scheduling.invitation import Invitation
from scheduling.session import Session, SessionOrganisation, SessionPart, SessionState

_S = SessionState
NOT_PLANNED = (_S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.REDIRECTED, _S.CANCELLED, _S.RESCHEDULED)
TECHNICAL = (Cause.DISCONNECTED, Cause.DEVICE_BLOCKED, Cause.HOST_GONE, Cause.RECORDING_FAULTY)


class seconds_between(FunctionElement[int]):  # noqa: N801 - a function of SQL.
    """Whole seconds from the first moment to the second, on both systems."""

    type = Integer()
    inherit_cache = True


class beijing_day(FunctionElement[date]):  # noqa: N801 - a function of SQL.
    """The civil date of Beijing of a moment; no summer time has been kept there since 1991."""

    type = Date()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({last} - {first})) AS BIGINT)"


@compiles(seconds_between)
def _seconds_sqlite(element: seconds_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(ROUND((julianday({last}) - julianday({first})) * 86400) AS INTEGER)"


@compiles(beijing_day, "postgresql")
def _day_postgresql(element: beijing_day, compiler: Any, **options: Any) -> str:
    (moment,) = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST({moment} AT TIME ZONE 'Asia/Shanghai' AS DATE)"


@compiles(beijing_day)
def _day_sqlite(element: beijing_day, compiler: Any, **options: Any) -> str:
    (moment,) = (compiler.process(each, **options) for each in element.clauses)
    return f"DATE({moment}, '+8 hours')"


@dataclass(frozen=True, slots=True)
class ReceptionFigures:
    """Counts of one period. `late_seconds`: from the hour agreed to the beginning, over all that were held;
    `satisfied` None where too few rated.
    """

    planned: int
    held: int
    joint: int
    persons: int
    no_show: int
    failed: int
    troubled: int
    solved_same_day: int
    late_seconds: int
    length_seconds: int
    closed: int
    promises_due: int
    promises_kept: int
    rated: int
    satisfied: int | None


async def read_receptions(
    db: AsyncSession, today: date, actor: Actor, period: Period, filters: Filters
) -> ReceptionFigures:
    """Count the receptions that the actor's offices host. Secret ones are in no figure."""
    require(actor, Action.SEE_FIGURES)
    hosts = [office.id for office in (await find_ground(db, actor, filters)).offices]
    counted = (await db.execute(_of(hosts, period, select(*_counts())))).mappings().one()
    persons = _of(hosts, period, select(func.count()).select_from(Invitation), Invitation.session_id)
    persons = persons.where(
        Session.opened_at.is_not(None), Invitation.role.in_(NEEDS_IDENTITY), Invitation.revoked_at.is_(None)
    )
    rated = func.count(Rating.score)
    scores = _of(hosts, period, select(rated, rated.filter(Rating.score >= SATISFIED)).select_from(Rating),
                 Rating.session_id).where(Rating.at < datetime.combine(today, time(), BEIJING))  # fmt: skip
    given, satisfied = (await db.execute(scores)).one()
    due, kept = await _promises(db, hosts, period, today)
    return ReceptionFigures(
        **{name: int(value or 0) for name, value in counted.items()},
        persons=await db.scalar(persons) or 0,
        promises_due=due,
        promises_kept=kept,
        rated=given,
        satisfied=satisfied if given >= FEWEST else None,
    )


def _of(hosts: list[str], period: Period, query: Any, session_id: Any = None) -> Select[Any]:
    if session_id is None:
        query = query.select_from(Session)
    else:
        query = query.join(Session, Session.id == session_id)
    found: Select[Any] = query.join(PetitionCase, PetitionCase.id == Session.petition_id)
    return found.where(
        Session.starts_at >= period.starts_at,
        Session.starts_at < period.ends_at,
        Session.host_organisation_id.in_(hosts),
        Session.state.not_in(NOT_PLANNED),
        _open(),
    )


def _open() -> ColumnElement[bool]:
    return and_(PetitionCase.confidential.is_(False), PetitionCase.accused_organisation_id.is_(None))


def _counts() -> list[ColumnElement[Any]]:
    held, over = Session.opened_at.is_not(None), Session.closed_at.is_not(None)
    joint = exists().where(
        SessionOrganisation.session_id == Session.id, SessionOrganisation.part == SessionPart.JOINT
    )
    trouble = exists().where(Incident.session_id == Session.id, Incident.cause.in_(TECHNICAL))
    late = func.coalesce(func.sum(seconds_between(Session.starts_at, Session.opened_at)).filter(
        Session.opened_at > Session.starts_at), 0)  # fmt: skip
    length = func.sum(seconds_between(Session.opened_at, Session.closed_at)).filter(and_(held, over))
    return [
        func.count().label("planned"),
        func.count().filter(held).label("held"),
        func.count().filter(and_(held, joint)).label("joint"),
        func.count().filter(Session.state == _S.NO_SHOW).label("no_show"),
        func.count().filter(Session.state == _S.TECHNICAL_FAILED).label("failed"),
        func.count().filter(and_(held, trouble)).label("troubled"),
        func.count().filter(and_(held, PetitionCase.concluded_on == beijing_day(Session.opened_at)))
        .label("solved_same_day"),
        late.label("late_seconds"),
        func.coalesce(length, 0).label("length_seconds"),
        func.count().filter(and_(held, over)).label("closed"),
    ]  # fmt: skip


async def _promises(db: AsyncSession, hosts: list[str], period: Period, today: date) -> tuple[int, int]:
    """Tasks that came of receptions and were due in the period: how many, and how many of them were done
    by their day; what was withdrawn, or is not due yet, says nothing.
    """
    ended = select(TaskStep.task_id, TaskStep.state, TaskStep.at).subquery()
    done = exists().where(
        ended.c.task_id == PetitionTask.id,
        ended.c.state == TaskState.DONE,
        beijing_day(ended.c.at) <= PetitionTask.due_on,
    )
    any_done = exists().where(ended.c.task_id == PetitionTask.id, ended.c.state == TaskState.DONE)
    withdrawn = exists().where(ended.c.task_id == PetitionTask.id, ended.c.state == TaskState.WITHDRAWN)
    query = (
        select(func.count(), func.count().filter(done))
        .select_from(PetitionTask)
        .join(Session, Session.id == PetitionTask.session_id)
        .join(PetitionCase, PetitionCase.id == Session.petition_id)
        .where(
            PetitionTask.due_on.between(period.first, period.last),
            Session.host_organisation_id.in_(hosts),
            or_(any_done, PetitionTask.due_on < today),
            ~withdrawn,
            _open(),
        )
    )
    due, kept = (await db.execute(query)).one()
    return due, kept
