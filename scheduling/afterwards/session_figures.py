"""Figures of video receptions: how many were planned and held, how long people waited, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import CTE, ColumnElement, Subquery, and_, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock
from cases.figures.period import Period, months_back
from cases.figures.scope import Filters, Ground, find_ground
from cases.figures.sums import sort_in_memory
from cases.handling.clocks import today as civil_day
from cases.organisations import Organisation, Tier
from cases.policy import Action, Actor, require
from cases.spans import seconds_between
from scheduling.afterwards.ratings import FEWEST, SATISFIED, Rating
from scheduling.afterwards.session_measure import (
    PROMISES,
    Conditions,
    measures,
    promises_of,
    receptions_of,
)
from scheduling.afterwards.session_trend import Trend
from scheduling.arrival.identity import NEEDS_IDENTITY
from scheduling.invitation import Invitation
from scheduling.session import Session
from scheduling.session_events import WAITS, SessionEvent

TREND_MONTHS = 12
# Who is counted as a person received, of a reception that was held.
RECEIVED = Invitation.role.in_(NEEDS_IDENTITY), Invitation.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one host or of all. `late_seconds`: from the hour agreed to the beginning, over all that were held;
    `length_seconds` over the `closed`; `due`: those `planned` that are not still to come; `followed`: held
    of the follow-ups that were due.
    """

    planned: int = 0
    due: int = 0
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
    follow_ups_due: int = 0
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
    db: AsyncSession, clock: Clock, actor: Actor, period: Period, filters: Filters, trend: Trend | None = None
) -> ReceptionFigures:
    """Count the receptions that the actor's offices host. Secret ones are in no figure.

    `trend`: what is remembered of months that have passed; without one they are counted anew.
    """
    require(actor, Action.SEE_FIGURES)
    await sort_in_memory(db)
    ground = await find_ground(db, actor, filters)
    offices = {office.id: office for office in ground.offices}
    today = civil_day(clock)
    by_host = await _sittings(db, ground, period, today)
    months = months_back(period.last, TREND_MONTHS)
    by_month = await (trend or Trend(clock)).read(db, ground, months)
    by_tier = {
        tier: sum((counts for key, counts in by_host.items() if offices[key].tier is tier), Counts())
        for tier in Tier
    }
    persons, waited, waited_seconds, given, satisfied = await _people(db, ground, period, today)
    due, kept = await _promises(db, ground, period, today)
    return ReceptionFigures(
        all=sum(by_host.values(), Counts()),
        by_tier={tier: counts for tier, counts in by_tier.items() if counts.planned},
        by_office=sorted(
            ((offices[key], counts) for key, counts in by_host.items()),
            key=lambda row: (-row[1].planned, row[0].region_code),
        ),
        trend=by_month,
        persons=persons,
        waited=waited,
        waited_seconds=waited_seconds,
        promises_due=due,
        promises_kept=kept,
        rated=given,
        satisfied=satisfied,
    )


def _counts(today: date) -> list[ColumnElement[Any]]:
    """In the order of Counts."""
    which = measures(today)
    late = func.sum(seconds_between(Session.starts_at, Session.opened_at))
    length = func.sum(seconds_between(Session.opened_at, Session.closed_at))
    spans = {
        "late_seconds": late.filter(Session.opened_at > Session.starts_at),
        "length_seconds": length.filter(and_(*which["closed"])),
    }
    return [spans[name] if name in spans else _count(which[name]) for name in FIELDS]


def _count(conditions: Conditions) -> ColumnElement[int]:
    return func.count().filter(and_(*conditions)) if conditions else func.count()


async def _sittings(db: AsyncSession, ground: Ground, period: Period, today: date) -> dict[str, Counts]:
    """Counts of the period by host."""
    host = Session.host_organisation_id
    rows = await db.execute(receptions_of(ground, period, select(host, *_counts(today))).group_by(host))
    return {row[0]: Counts(*(int(value or 0) for value in row[1:])) for row in rows}


async def _people(
    db: AsyncSession, ground: Ground, period: Period, today: date
) -> tuple[int, int, int, int, int | None]:
    """Persons of held receptions; who was let in, and the seconds from the waiting room's door to the room's,
    the first time each; ratings given before today, and how many were satisfied, which is not told of few,
    nor of days that are no months, nor of one channel, class or unit.
    """
    sitting = receptions_of(ground, period, select(Session.id, Session.opened_at)).cte("sitting")
    persons = (
        select(func.count().label("persons"))
        .select_from(sitting)
        .join(Invitation, Invitation.session_id == sitting.c.id)
        .where(sitting.c.opened_at.is_not(None), *RECEIVED)
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
    apart = ground.filters.unit_id or ground.filters.channel or ground.filters.class_
    told = satisfied if answers >= FEWEST and period.whole_months and not apart else None
    return count, waited, int(seconds or 0), answers, told


def waits_of(sitting: CTE) -> Subquery:
    """For each who came to or was let into one of these receptions: when, the first time."""
    return (
        select(
            SessionEvent.session_id,
            SessionEvent.participant_id,
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


def let_in(each: Subquery) -> ColumnElement[bool]:
    """Which of waits_of() ended in the reception room."""
    return and_(each.c.came_at.is_not(None), each.c.went_at.is_not(None))


def _waits(sitting: CTE) -> Subquery:
    each = waits_of(sitting)
    seconds = func.sum(seconds_between(each.c.came_at, each.c.went_at))
    return select(func.count().label("waited"), seconds.label("seconds")).where(let_in(each)).subquery()


async def _promises(db: AsyncSession, ground: Ground, period: Period, today: date) -> tuple[int, int]:
    """How many were due, and how many of them were done by their day."""
    kept = func.count().filter(*PROMISES["promises_kept"])
    due, done = (await db.execute(promises_of(ground, period, today, select(func.count(), kept)))).one()
    return due, done
