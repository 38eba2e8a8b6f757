"""Measures: what is counted, over which rows, by which day. Sums and lists are made from the same line here.

A row is counted in the period in which its *day* falls: a registration by its day, a conclusion by its day, a
duty by the day on which it was due. A duty that was neither done nor has run out says nothing yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import Integer

from cases.campaigns.campaign import CampaignMatter
from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period
from cases.handling.clocks import RIGHTS, PetitionClock
from cases.handling.procedure import Conclusion
from cases.petition_rating import SATISFIED, PetitionRating, Rated

Condition = Callable[[date], ColumnElement[bool]]
OFFICE_RATING = aliased(PetitionRating, name="office_rating")
UNIT_RATING = aliased(PetitionRating, name="unit_rating")
# The duties whose keeping is published (Art. 22, 23 and 34 of the Regulations of 2022).
ROUTE, NOTICE, HANDLE = "register_route", "forward_notice", "handle"


class Source(StrEnum):
    """Over which rows is counted."""

    REGISTERED = "registered"
    CONCLUDED = "concluded"
    DUTIES = "duties"
    RUNNING = "running"
    CAMPAIGN = "campaign"


class days_between(FunctionElement[int]):  # noqa: N801 - a function of SQL.
    """Whole days from the first date to the second, on both systems."""

    type = Integer()
    inherit_cache = True


@compiles(days_between, "postgresql")
def _postgresql(element: days_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"({last} - {first})"


@compiles(days_between)
def _sqlite(element: days_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(julianday({last}) - julianday({first}) AS INTEGER)"


@dataclass(frozen=True, slots=True)
class Measure:
    """How many rows of `source` meet `condition`, or the sum of `value` over them."""

    source: Source
    condition: Condition | None = None
    value: ColumnElement[Any] | None = None


def _due(duty: str) -> Condition:
    return lambda today: PetitionClock.duty == duty


def _kept(duty: str) -> Condition:
    return lambda today: and_(PetitionClock.duty == duty, PetitionClock.met_on <= PetitionClock.rolled_on)


def _concluded(conclusion: Conclusion) -> Condition:
    return lambda today: PetitionCase.conclusion == conclusion


def _accepted(today: date) -> ColumnElement[bool]:
    return PetitionCase.accepted_on.is_not(None)


def _given(rating: type[PetitionRating], least: int = 0) -> Condition:
    """Given before today: what changes in a sum within a day would tell who has just rated."""
    return lambda today: and_(rating.at < datetime.combine(today, time(), BEIJING), rating.score >= least)


def _either(today: date) -> ColumnElement[bool]:
    return or_(_given(OFFICE_RATING)(today), _given(UNIT_RATING)(today))


_S = Source
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "registered": Measure(_S.REGISTERED),
        "concluded": Measure(_S.CONCLUDED),
        "supported": Measure(_S.CONCLUDED, _concluded(Conclusion.SUPPORT)),
        "explained": Measure(_S.CONCLUDED, _concluded(Conclusion.EXPLAIN)),
        "not_supported": Measure(_S.CONCLUDED, _concluded(Conclusion.NOT_SUPPORT)),
        "finished": Measure(_S.CONCLUDED, _accepted),
        "handling_days": Measure(
            _S.CONCLUDED, _accepted, days_between(PetitionCase.accepted_on, PetitionCase.concluded_on)
        ),
        "rated": Measure(_S.CONCLUDED, _either),
        "office_rated": Measure(_S.CONCLUDED, _given(OFFICE_RATING)),
        "office_satisfied": Measure(_S.CONCLUDED, _given(OFFICE_RATING, SATISFIED)),
        "unit_rated": Measure(_S.CONCLUDED, _given(UNIT_RATING)),
        "unit_satisfied": Measure(_S.CONCLUDED, _given(UNIT_RATING, SATISFIED)),
        "route_due": Measure(_S.DUTIES, _due(ROUTE)),
        "route_kept": Measure(_S.DUTIES, _kept(ROUTE)),
        "notice_due": Measure(_S.DUTIES, _due(NOTICE)),
        "notice_kept": Measure(_S.DUTIES, _kept(NOTICE)),
        "handle_due": Measure(_S.DUTIES, _due(HANDLE)),
        "handle_kept": Measure(_S.DUTIES, _kept(HANDLE)),
        "overdue_now": Measure(_S.RUNNING, lambda today: PetitionClock.rolled_on < today),
        "running_now": Measure(_S.RUNNING),
        "surveyed": Measure(_S.CAMPAIGN),
        "resolved": Measure(_S.CAMPAIGN, lambda today: CampaignMatter.resolved_on.is_not(None)),
    }
)
# Whose list would tell how somebody rated; they are shown as sums alone.
SUMS_ONLY = frozenset({"rated", "office_rated", "office_satisfied", "unit_rated", "unit_satisfied"})


def rows_of(query: Any, source: Source, period: Period, today: date) -> Select[Any]:
    """`query`, a select of any columns, over the rows of `source` in `period`.

    What runs now knows no period.
    """
    found: Select[Any] = query.select_from(_TABLES[source])
    if source is Source.REGISTERED:
        began = PetitionCase.registered_at >= period.starts_at
        return found.where(began, PetitionCase.registered_at < period.ends_at)
    if source is Source.CONCLUDED:
        for rating, rated in ((OFFICE_RATING, Rated.OFFICE), (UNIT_RATING, Rated.UNIT)):
            found = found.outerjoin(
                rating, and_(rating.petition_id == PetitionCase.id, rating.rated == rated)
            )
        return found.where(PetitionCase.concluded_on.between(period.first, period.last))
    found = found.join(PetitionCase)
    if source is Source.CAMPAIGN:
        return found.where(CampaignMatter.entered_on.between(period.first, period.last))
    if source is Source.RUNNING:
        running = PetitionClock.met_on.is_(None), PetitionClock.rolled_on.is_not(None)
        return found.where(*running, PetitionClock.duty.not_in(RIGHTS))
    decided = or_(PetitionClock.met_on.is_not(None), PetitionClock.rolled_on < today)
    published = PetitionClock.duty.in_((ROUTE, NOTICE, HANDLE))
    return found.where(published, PetitionClock.rolled_on.between(period.first, period.last), decided)


_TABLES: Mapping[Source, Any] = MappingProxyType(
    {
        Source.REGISTERED: PetitionCase,
        Source.CONCLUDED: PetitionCase,
        Source.DUTIES: PetitionClock,
        Source.RUNNING: PetitionClock,
        Source.CAMPAIGN: CampaignMatter,
    }
)
