"""Figures of video receptions: how many were planned and held, how long people waited, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period, months_back
from cases.figures.scope import Filters, find_ground
from cases.figures.sums import uncompiled
from cases.organisations import Organisation, Tier
from cases.policy import Action, Actor, require
from cases.spans import beijing_day, beijing_month, seconds_between
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
        return Counts(*(getattr(self, name) + getattr(other, name) for name in Counts.__slots__))


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
    host = Session.host_organisation_id
    rows = await db.execute(receptions_of(hosts, period, select(host, *_counts())).group_by(host))
    by_host = {row[0]: Counts(*(int(value or 0) for value in row[1:])) for row in rows}
    by_tier = {
        tier: sum((counts for key, counts in by_host.items() if offices[key].tier is tier), Counts())
        for tier in Tier
    }
    persons = receptions_of(
        hosts, period, select(func.count()).select_from(Invitation), Invitation.session_id
    ).where(
        Session.opened_at.is_not(None), Invitation.role.in_(NEEDS_IDENTITY), Invitation.revoked_at.is_(None)
    )
    waited, waited_seconds = await _waits(db, hosts, period)
    given, satisfied = await _ratings(db, hosts, period, today)
    due, kept = await _promises(db, hosts, period, today)
    return ReceptionFigures(
        all=sum(by_host.values(), Counts()),
        by_tier={tier: counts for tier, counts in by_tier.items() if counts.planned},
        by_office=sorted(
            ((offices[key], counts) for key, counts in by_host.items()),
            key=lambda row: (-row[1].planned, row[0].region_code),
        ),
        trend=await _trend(db, hosts, period),
        persons=await db.scalar(persons) or 0,
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
    """In the order of Counts."""
    held, over = Session.opened_at.is_not(None), Session.closed_at.is_not(None)
    follow_up = Session.kind == SessionKind.FOLLOW_UP
    joint = exists().where(
        SessionOrganisation.session_id == Session.id, SessionOrganisation.part == SessionPart.JOINT
    )
    trouble = exists().where(Incident.session_id == Session.id, Incident.cause.in_(TECHNICAL))
    same_day = PetitionCase.concluded_on == beijing_day(Session.opened_at)
    late = func.sum(seconds_between(Session.starts_at, Session.opened_at))
    length = func.sum(seconds_between(Session.opened_at, Session.closed_at))
    return [
        func.count(),
        func.count().filter(held),
        func.count().filter(and_(held, joint)),
        func.count().filter(Session.state == _S.NO_SHOW),
        func.count().filter(Session.state == _S.TECHNICAL_FAILED),
        func.count().filter(and_(held, trouble)),
        func.count().filter(and_(held, same_day)),
        late.filter(Session.opened_at > Session.starts_at),
        length.filter(and_(held, over)),
        func.count().filter(and_(held, over)),
        func.count().filter(follow_up),
        func.count().filter(and_(follow_up, held)),
    ]


async def _trend(db: AsyncSession, hosts: list[str], period: Period) -> dict[str, tuple[int, int]]:
    months = months_back(period.last, TREND_MONTHS)
    year = Period(months[0].first, months[-1].last)
    month = beijing_month(Session.starts_at).label("month")
    columns = select(month, func.count(), func.count().filter(Session.opened_at.is_not(None)))
    query = receptions_of(hosts, year, columns).group_by("month")
    found = {code: (planned, held) for code, planned, held in await db.execute(query)}
    return {each.code: found.get(each.code, (0, 0)) for each in months}


async def _waits(db: AsyncSession, hosts: list[str], period: Period) -> tuple[int, int]:
    """Who was let in, and the seconds from the waiting room's door to the room's, the first time each."""
    events = (
        select(
            SessionEvent.session_id,
            func.min(SessionEvent.at).filter(SessionEvent.kind == WAITS[0]).label("came_at"),
            func.min(SessionEvent.at).filter(SessionEvent.kind == WAITS[1]).label("went_at"),
        )
        .where(literal_column(f"session_events.kind IN ('{WAITS[0]}', '{WAITS[1]}')"))
        .where(SessionEvent.participant_id.is_not(None))
    )
    of_it = receptions_of(hosts, period, events, SessionEvent.session_id)
    each = of_it.group_by(SessionEvent.session_id, SessionEvent.participant_id).subquery()
    seconds = func.sum(seconds_between(each.c.came_at, each.c.went_at))
    let_in = and_(each.c.came_at.is_not(None), each.c.went_at.is_not(None))
    count, total = (await db.execute(select(func.count(), seconds).where(let_in))).one()
    return count, int(total or 0)


async def _ratings(
    db: AsyncSession, hosts: list[str], period: Period, today: date
) -> tuple[int, int | None]:
    """Given before today; how many were satisfied is not told of few, nor of days that are no months."""
    given = func.count(Rating.score)
    columns = select(given, given.filter(Rating.score >= SATISFIED)).select_from(Rating)
    query = receptions_of(hosts, period, columns, Rating.session_id)
    midnight = datetime.combine(today, time(), BEIJING)
    rated, satisfied = (await db.execute(query.where(Rating.at < midnight))).one()
    return rated, satisfied if rated >= FEWEST and period.whole_months else None


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
