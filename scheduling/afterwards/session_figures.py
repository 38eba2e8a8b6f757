"""Figures of video receptions: how many were planned and held, how long people waited, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period, months_back
from cases.figures.scope import COUNTED, Filters, find_ground
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
    found: Select[Any] = query.join(PetitionCase, PetitionCase.id == Session.petition_id)
    return found.where(
        Session.starts_at >= period.starts_at,
        Session.starts_at < period.ends_at,
        Session.host_organisation_id.in_(hosts),
        Session.state.not_in(NOT_PLANNED),
        COUNTED,
    )


def _counts(asked: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """In the order of Counts; what has to be looked up elsewhere only of what was `asked`."""
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
        func.count().filter(and_(asked, held, joint)),
        func.count().filter(Session.state == _S.NO_SHOW),
        func.count().filter(Session.state == _S.TECHNICAL_FAILED),
        func.count().filter(and_(asked, held, trouble)),
        func.count().filter(and_(asked, held, same_day)),
        late.filter(Session.opened_at > Session.starts_at),
        length.filter(and_(held, over)),
        func.count().filter(and_(held, over)),
        func.count().filter(follow_up),
        func.count().filter(and_(follow_up, held)),
    ]


async def _sittings(
    db: AsyncSession, hosts: Sequence[str], period: Period
) -> tuple[dict[str, Counts], dict[str, tuple[int, int]]]:
    """Counts of the period by host, and planned and held of the months up to its end, in one pass."""
    months = months_back(period.last, TREND_MONTHS)
    span = Period(min(period.first, months[0].first), max(period.last, months[-1].last))
    asked = and_(Session.starts_at >= period.starts_at, Session.starts_at < period.ends_at)
    # 0 is before the first month; a comparison costs a tenth of what writing the month's name does.
    place = case(
        *((Session.starts_at < month.starts_at, number) for number, month in enumerate(months)),
        else_=len(months),
    )
    columns = select(
        Session.host_organisation_id, place.label("place"), asked.label("asked"), *_counts(asked)
    )
    query = receptions_of(hosts, span, columns).group_by(Session.host_organisation_id, "place", "asked")
    by_host: dict[str, Counts] = {}
    trend = [(0, 0)] * (TREND_MONTHS + 1)
    for host, number, within, *values in await db.execute(query):
        counts = Counts(*(int(value or 0) for value in values))
        planned, held = trend[number]
        trend[number] = (planned + counts.planned, held + counts.held)
        if within:
            by_host[host] = by_host.get(host, Counts()) + counts
    return by_host, {month.code: found for month, found in zip(months, trend[1:], strict=True)}


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
        .join(PetitionCase, PetitionCase.id == Session.petition_id)
        .where(
            PetitionTask.due_on.between(period.first, period.last),
            Session.host_organisation_id.in_(hosts),
            or_(any_done, PetitionTask.due_on < today),
            ~withdrawn,
            COUNTED,
        )
    )
    due, kept = (await db.execute(query)).one()
    return due, kept
