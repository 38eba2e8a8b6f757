"""Figures of video receptions: how many were planned and held, how long people waited, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Subquery,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period, months_back
from cases.figures.scope import UNCOUNTED, Filters, find_ground
from cases.figures.sums import uncompiled
from cases.organisations import Organisation, Tier
from cases.policy import Action, Actor, require
from cases.spans import beijing_day, seconds_between
from cases.task import PetitionTask, TaskState, TaskStep
from scheduling.afterwards.ratings import FEWEST, SATISFIED, Rating
from scheduling.arrival.identity import NEEDS_IDENTITY
from scheduling.incidents.incident import Cause, Incident
from scheduling.invitation import Invitation
from scheduling.session import Session, SessionKind, SessionOrganisation, SessionPart, SessionState
from scheduling.session_events import WAITS, SessionEvent

_S = SessionState
NOT_PLANNED = (_S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.REDIRECTED, _S.CANCELLED, _S.RESCHEDULED)
TECHNICAL = (Cause.DISCONNECTED, Cause.DEVICE_BLOCKED, Cause.HOST_GONE, Cause.RECORDING_FAULTY)
TREND_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one host or of all. `late_seconds`: from the hour agreed to the beginning, over all that were held;
    `length_seconds` over the `closed`; `followed`: follow-ups held of the `follow_ups` planned.
    """

    planned: int = 0
    held: int = 0
    joint: int = 0
    no_show: int = 0
    failed: int = 0
    troubled: int = 0
    solved_same_day: int = 0
    late_seconds: int = 0
    length_seconds: int = 0
    closed: int = 0
    follow_ups: int = 0
    followed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in FIELDS))


FIELDS = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True, slots=True)
class ReceptionFigures:
    """Receptions of one period. `waited`: people let in from the waiting room, `waited_seconds` by all of
    them; `satisfied` None where too few rated; `trend`: planned and held by month, oldest first.
    """

    all: Counts
    by_tier: Mapping[Tier, Counts]
    by_office: Sequence[tuple[Organisation, Counts]]
    trend: Mapping[str, tuple[int, int]]
    persons: int
    waited: int
    waited_seconds: int
    promises_due: int
    promises_kept: int
    rated: int
    satisfied: int | None


async def read_receptions(
    db: AsyncSession, today: date, actor: Actor, period: Period, filters: Filters
) -> ReceptionFigures:
    """Count the receptions that the actor's offices host. Secret ones are in no figure."""
    require(actor, Action.SEE_FIGURES)
    await uncompiled(db)
    offices = {office.id: office for office in (await find_ground(db, actor, filters)).offices}
    hosts = list(offices)
    by_host, trend = await _sittings(db, hosts, period)
    by_tier = {
        tier: sum((counts for key, counts in by_host.items() if offices[key].tier is tier), Counts())
        for tier in Tier
    }
    persons, waited, waited_seconds, given, satisfied = await _people(db, hosts, period, today)
    due, kept = await _promises(db, hosts, period, today)
    return ReceptionFigures(
        all=sum(by_host.values(), Counts()),
        by_tier={tier: counts for tier, counts in by_tier.items() if counts.planned},
        by_office=sorted(
            ((offices[key], counts) for key, counts in by_host.items()),
            key=lambda row: (-row[1].planned, row[0].region_code),
        ),
        trend=trend,
        persons=persons,
        waited=waited,
        waited_seconds=waited_seconds,
        promises_due=due,
        promises_kept=kept,
        rated=given,
        satisfied=satisfied,
    )


def receptions_of(
    hosts: Sequence[str], period: Period, query: Any, session_id: Any = None
) -> Select[Any]:
    """`query` over the receptions of the period that these offices host; joined by `session_id` if given."""
    if session_id is None:
        query = query.select_from(Session)
    else:
        query = query.join(Session, Session.id == session_id)
    found: Select[Any] = query.where(
        Session.starts_at >= period.starts_at,
        Session.starts_at < period.ends_at,
        Session.host_organisation_id.in_(hosts),
        Session.state.not_in(NOT_PLANNED),
        *_counted(),
    )
    return found


def _counted() -> tuple[ColumnElement[bool], ...]:
    """Of a case that may be in a figure: the few that may not are looked up in an index of their own, else
    every reception would be held against all cases that there are.
    """
    secret = exists().where(PetitionCase.id == Session.petition_id, UNCOUNTED)
    return Session.petition_id.is_not(None), ~secret.correlate(Session)


def _counts(asked: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """In the order of Counts; what has to be looked up elsewhere only of what was `asked`."""
    held, over = Session.opened_at.is_not(None), Session.closed_at.is_not(None)
    follow_up = Session.kind == SessionKind.FOLLOW_UP
    joint = _any(SessionOrganisation.session_id, SessionOrganisation.part == SessionPart.JOINT)
    trouble = _any(Incident.session_id, Incident.cause.in_(TECHNICAL))
    concluded_on = select(PetitionCase.concluded_on).where(PetitionCase.id == Session.petition_id)
    same_day = concluded_on.correlate(Session).scalar_subquery() == beijing_day(Session.opened_at)
    late = func.sum(seconds_between(Session.starts_at, Session.opened_at))
    length = func.sum(seconds_between(Session.opened_at, Session.closed_at))

    def count(*which: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.count().filter(and_(asked, *which))

    return [
        count(),
        count(held),
        count(held, joint),
        count(Session.state == _S.NO_SHOW),
        count(Session.state == _S.TECHNICAL_FAILED),
        count(held, trouble),
        count(held, same_day),
        late.filter(and_(asked, Session.opened_at > Session.starts_at)),
        length.filter(and_(asked, held, over)),
        count(held, over),
        count(follow_up),
        count(follow_up, held),
    ]


def _any(session_id: Any, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Has the session one of these? Looked up for it alone: with EXISTS PostgreSQL reads the whole table."""
    first = select(literal(1)).where(session_id == Session.id, which).limit(1)
    return first.correlate(Session).scalar_subquery().is_not(None)


async def _sittings(
    db: AsyncSession, hosts: Sequence[str], period: Period
) -> tuple[dict[str, Counts], dict[str, tuple[int, int]]]:
    """Counts of the period by host, and planned and held of the months up to its end, in one pass."""
    months = months_back(period.last, TREND_MONTHS)
    span = Period(min(period.first, months[0].first), max(period.last, months[-1].last))
    host = Session.host_organisation_id
    # The months are columns and no groups: by host and month PostgreSQL would sort every row.
    columns = select(host, *_counts(_within(period)), *(each for month in months for each in _month(month)))
    by_host: dict[str, Counts] = {}
    trend = [0] * (2 * len(months))
    for row in await db.execute(receptions_of(hosts, span, columns).group_by(host)):
        office, told, of_months = row[0], row[1 : 1 + len(FIELDS)], row[1 + len(FIELDS) :]
        trend = [one + other for one, other in zip(trend, of_months, strict=True)]
        counts = Counts(*(int(value or 0) for value in told))
        if counts.planned:
            by_host[office] = counts
    return by_host, {
        month.code: (planned, held)
        for month, planned, held in zip(months, trend[::2], trend[1::2], strict=True)
    }


def _within(period: Period) -> ColumnElement[bool]:
    return and_(Session.starts_at >= period.starts_at, Session.starts_at < period.ends_at)


def _month(month: Period) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Planned and held."""
    return func.count().filter(_within(month)), func.count(Session.opened_at).filter(_within(month))


async def _people(
    db: AsyncSession, hosts: Sequence[str], period: Period, today: date
) -> tuple[int, int, int, int, int | None]:
    """Persons of held receptions; who was let in, and the seconds from the waiting room's door to the room's,
    the first time each; ratings given before today, and how many were satisfied, which is not told of few,
    nor of days that are no months.
    """
    sitting = receptions_of(hosts, period, select(Session.id, Session.opened_at)).cte("sitting")
    persons = (
        select(func.count().label("persons"))
        .select_from(sitting)
        .join(Invitation, Invitation.session_id == sitting.c.id)
        .where(
            sitting.c.opened_at.is_not(None),
            Invitation.role.in_(NEEDS_IDENTITY),
            Invitation.revoked_at.is_(None),
        )
        .subquery()
    )
    given = func.count(Rating.score)
    midnight = datetime.combine(today, time(), BEIJING)
    rated = (
        select(given.label("rated"), given.filter(Rating.score >= SATISFIED).label("satisfied"))
        .select_from(sitting)
        .join(Rating, Rating.session_id == sitting.c.id)
        .where(Rating.at < midnight)
        .subquery()
    )
    waits = _waits(sitting)
    everything = persons.join(rated, true()).join(waits, true())
    query = select(
        persons.c.persons, waits.c.waited, waits.c.seconds, rated.c.rated, rated.c.satisfied
    ).select_from(everything)
    count, waited, seconds, answers, satisfied = (await db.execute(query)).one()
    told = satisfied if answers >= FEWEST and period.whole_months else None
    return count, waited, int(seconds or 0), answers, told


def _waits(sitting: CTE) -> Subquery:
    each = (
        select(
            func.min(SessionEvent.at).filter(SessionEvent.kind == WAITS[0]).label("came_at"),
            func.min(SessionEvent.at).filter(SessionEvent.kind == WAITS[1]).label("went_at"),
        )
        .select_from(sitting)
        .join(SessionEvent, SessionEvent.session_id == sitting.c.id)
        # As it stands in the index, word by word.
        .where(literal_column(f"session_events.kind IN ('{WAITS[0]}', '{WAITS[1]}')"))
        .where(SessionEvent.participant_id.is_not(None))
        .group_by(SessionEvent.session_id, SessionEvent.participant_id)
        .subquery()
    )
    seconds = func.sum(seconds_between(each.c.came_at, each.c.went_at))
    let_in = and_(each.c.came_at.is_not(None), each.c.went_at.is_not(None))
    return select(func.count().label("waited"), seconds.label("seconds")).where(let_in).subquery()


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
        .where(
            PetitionTask.due_on.between(period.first, period.last),
            Session.host_organisation_id.in_(hosts),
            or_(any_done, PetitionTask.due_on < today),
            ~withdrawn,
            *_counted(),
        )
    )
    due, kept = (await db.execute(query)).one()
    return due, kept
