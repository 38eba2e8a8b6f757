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

from sqlalchemy import ColumnElement, Select, and_, case, exists, not_, or_, select
from sqlalchemy.orm import aliased

from cases.campaigns.campaign import Campaign, CampaignKind, CampaignMatter
from cases.casefile import Channel, PetitionCase, PetitionState
from cases.clock import BEIJING
from cases.figures.period import Period
from cases.handling.clocks import RIGHTS, PetitionClock
from cases.handling.procedure import Conclusion
from cases.intake.join import PetitionJoin
from cases.petition_rating import SATISFIED, PetitionRating, PetitionRatingChange, Rated
from cases.spans import days_between

Condition = Callable[[date], ColumnElement[bool]]
OFFICE_RATING = aliased(PetitionRating, name="office_rating")
UNIT_RATING = aliased(PetitionRating, name="unit_rating")
# The duties whose keeping is published (Art. 22, 23 and 34 of the Regulations of 2022).
ROUTE, NOTICE, HANDLE = "register_route", "forward_notice", "handle"
REVIEW = "review_decide"
# What was written to the office and waits for an answer; whoever came or called was answered on the spot.
WRITTEN = (Channel.LEADER_MAILBOX, Channel.WEB, Channel.SMS, Channel.WECHAT)
# Without a conclusion, and answered all the same: refused with reasons, or told where the matter belongs.
ANSWERED = (PetitionState.ROUTED, PetitionState.REFUSED, PetitionState.NO_LONGER_ACCEPTED)
WELL_SATISFIED = 4  # 很满意 and 满意, without 基本满意.


class Source(StrEnum):
    """Over which rows is counted."""

    REGISTERED = "registered"
    CONCLUDED = "concluded"
    DUTIES = "duties"
    RUNNING = "running"
    CAMPAIGN = "campaign"


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
    """As it stood before today: what changes in a sum within a day would tell who has just rated."""
    return lambda today: _score_before(rating, datetime.combine(today, time(), BEIJING)) >= least


def _score_before(rating: type[PetitionRating], midnight: datetime) -> ColumnElement[Any]:
    earlier = (
        select(PetitionRatingChange.score)
        .where(PetitionRatingChange.rating_id == rating.id, PetitionRatingChange.at < midnight)
        .order_by(PetitionRatingChange.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return case((rating.at < midnight, rating.score), (rating.at >= midnight, earlier))


def _either(today: date) -> ColumnElement[bool]:
    return or_(_given(OFFICE_RATING)(today), _given(UNIT_RATING)(today))


def _joined_with(mine: Any, others: Any, of_it: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """A case that is joined now, by one column of the pairs, with a case that meets `of_it`."""
    other, later = aliased(PetitionCase), aliased(PetitionJoin)
    undone = exists().where(
        later.petition_id == PetitionJoin.petition_id,
        later.other_id == PetitionJoin.other_id,
        later.sequence > PetitionJoin.sequence,
    )
    found = exists().where(
        mine == PetitionCase.id, PetitionJoin.joined, ~undone, other.id == others, of_it(other.registered_at)
    )
    return found.correlate(PetitionCase)


def _joined(of_it: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    pair = PetitionJoin.petition_id, PetitionJoin.other_id
    return or_(_joined_with(pair[0], pair[1], of_it), _joined_with(pair[1], pair[0], of_it))


def _repeats(today: date) -> ColumnElement[bool]:
    """Joined with an earlier case: the same person with the same matter, as a clerk has found."""
    return _joined(lambda at: at < PetitionCase.registered_at)


def _first(today: date) -> ColumnElement[bool]:
    return not_(_repeats(today))


def _first_resolved(today: date) -> ColumnElement[bool]:
    """Nobody came again with it, and no review was asked for."""
    reviewed = exists().where(PetitionClock.petition_id == PetitionCase.id, PetitionClock.duty == REVIEW)
    again = _joined(lambda at: at > PetitionCase.registered_at)
    return and_(_first(today), not_(again), not_(reviewed.correlate(PetitionCase)))


def _written(today: date) -> ColumnElement[bool]:
    return PetitionCase.channel.in_(WRITTEN)


def _replied(today: date) -> ColumnElement[bool]:
    return and_(
        _written(today), or_(PetitionCase.concluded_on.is_not(None), PetitionCase.state.in_(ANSWERED))
    )


def _campaign(kind: CampaignKind, *, resolved: bool) -> Condition:
    done = [CampaignMatter.resolved_on.is_not(None)] if resolved else []
    return lambda today: and_(Campaign.kind == kind, *done)


_S = Source
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "registered": Measure(_S.REGISTERED),
        "repeats": Measure(_S.REGISTERED, _repeats),
        "written": Measure(_S.REGISTERED, _written),
        "replied": Measure(_S.REGISTERED, _replied),
        "concluded": Measure(_S.CONCLUDED),
        "supported": Measure(_S.CONCLUDED, _concluded(Conclusion.SUPPORT)),
        "explained": Measure(_S.CONCLUDED, _concluded(Conclusion.EXPLAIN)),
        "not_supported": Measure(_S.CONCLUDED, _concluded(Conclusion.NOT_SUPPORT)),
        "finished": Measure(_S.CONCLUDED, _accepted),
        "handling_days": Measure(
            _S.CONCLUDED, _accepted, days_between(PetitionCase.accepted_on, PetitionCase.concluded_on)
        ),
        "first_concluded": Measure(_S.CONCLUDED, _first),
        "first_resolved": Measure(_S.CONCLUDED, _first_resolved),
        "rated": Measure(_S.CONCLUDED, _either),
        "office_rated": Measure(_S.CONCLUDED, _given(OFFICE_RATING)),
        "office_satisfied": Measure(_S.CONCLUDED, _given(OFFICE_RATING, SATISFIED)),
        "office_well": Measure(_S.CONCLUDED, _given(OFFICE_RATING, WELL_SATISFIED)),
        "unit_rated": Measure(_S.CONCLUDED, _given(UNIT_RATING)),
        "unit_satisfied": Measure(_S.CONCLUDED, _given(UNIT_RATING, SATISFIED)),
        "unit_well": Measure(_S.CONCLUDED, _given(UNIT_RATING, WELL_SATISFIED)),
        "route_due": Measure(_S.DUTIES, _due(ROUTE)),
        "route_kept": Measure(_S.DUTIES, _kept(ROUTE)),
        "notice_due": Measure(_S.DUTIES, _due(NOTICE)),
        "notice_kept": Measure(_S.DUTIES, _kept(NOTICE)),
        "handle_due": Measure(_S.DUTIES, _due(HANDLE)),
        "handle_kept": Measure(_S.DUTIES, _kept(HANDLE)),
        "overdue_now": Measure(_S.RUNNING, lambda today: PetitionClock.rolled_on < today),
        "running_now": Measure(_S.RUNNING),
        "surveyed": Measure(_S.CAMPAIGN, _campaign(CampaignKind.SURVEY, resolved=False)),
        "resolved": Measure(_S.CAMPAIGN, _campaign(CampaignKind.SURVEY, resolved=True)),
        "led": Measure(_S.CAMPAIGN, _campaign(CampaignKind.LEADERS, resolved=False)),
        "led_resolved": Measure(_S.CAMPAIGN, _campaign(CampaignKind.LEADERS, resolved=True)),
    }
)
# Whose list would tell how somebody rated; they are shown as sums alone.
SUMS_ONLY = frozenset(
    {"rated", "office_rated", "office_satisfied", "office_well", "unit_rated", "unit_satisfied", "unit_well"}
)


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
        return found.join(Campaign).where(CampaignMatter.entered_on.between(period.first, period.last))
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
