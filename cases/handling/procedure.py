"""The procedure of a case as a table: what a step needs, who takes it, where it leads, which clocks it moves.

Regulations on Petition Work (2022): registration and forwarding Art. 22, notice and objection Art. 23,
the statutory channels Art. 31, conclusions Art. 32, sixty days Art. 34, review Art. 35, recheck with its
hearing Art. 36, refusals Art. 19 and 36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cases.casefile import PetitionClass, PetitionState
from cases.vocabulary import names

S = PetitionState


class Step(StrEnum):
    """What somebody does to a case."""

    CLASSIFY = "classify"
    FORWARD = "forward"
    ASSIGN = "assign"
    ROUTE = "route"
    REFUSE = "refuse"
    CEASE = "cease"
    OBJECT = "object"
    AGREE_RETURN = "agree_return"
    DECLINE_RETURN = "decline_return"
    NOTIFY = "notify"
    ACCEPT = "accept"
    EXTEND = "extend"
    CONCLUDE = "conclude"
    DELIVER = "deliver"
    REQUEST_REVIEW = "request_review"
    DECIDE_REVIEW = "decide_review"
    DELIVER_REVIEW = "deliver_review"
    REQUEST_RECHECK = "request_recheck"
    BEGIN_HEARING = "begin_hearing"
    END_HEARING = "end_hearing"
    DECIDE_RECHECK = "decide_recheck"
    DELIVER_RECHECK = "deliver_recheck"
    TERMINATE = "terminate"
    CLOSE = "close"


class Way(StrEnum):
    """How a matter is to be handled: the six of Art. 31, the discipline organs and the study of advice."""

    HANDLE = "handle"
    LITIGATION = "litigation"
    ARBITRATION = "arbitration"
    PARTY_APPEAL = "party_appeal"
    RECONSIDERATION = "reconsideration"
    PROTECTION = "protection"
    DISCIPLINE = "discipline"


class Conclusion(StrEnum):
    """What the unit says in the end (Art. 32)."""

    SUPPORT = "support"
    EXPLAIN = "explain"
    NOT_SUPPORT = "not_support"


class Result(StrEnum):
    """What a review or a recheck says of the opinion before."""

    UPHOLD = "uphold"
    CHANGE = "change"
    REVOKE = "revoke"
    REDO = "redo"


class Ground(StrEnum):
    """Why a matter has come to its end."""

    RECHECKED = "rechecked"
    NOT_ASKED = "not_asked"
    AGREED = "agreed"
    DIED = "died"


class Service(StrEnum):
    """How a paper reached the petitioner."""

    IN_PERSON = "in_person"
    POST = "post"
    SMS = "sms"
    ONLINE = "online"
    TELEPHONE = "telephone"


class Taker(StrEnum):
    """Whose step it is."""

    KEEPER = "keeper"
    UNIT = "unit"
    UNIT_HEAD = "unit_head"
    REVIEWER = "reviewer"


class Ask(StrEnum):
    """What a step wants to know."""

    CLASS = "class"
    WAY = "way"
    UNIT = "unit"
    BODY = "body"
    DAYS = "days"
    SERVICE = "service"
    PROOF = "proof"
    ON = "on"
    CONCLUSION = "conclusion"
    REVIEWER = "reviewer"
    RESULT = "result"
    GROUND = "ground"
    WORDS = "words"


STEP_NAMES = names("step", Step)
WAY_NAMES = names("way", Way)
CONCLUSION_NAMES = names("conclusion", Conclusion)
SERVICE_NAMES = names("service", Service)
RESULT_NAMES = names("result", Result)
GROUND_NAMES = names("ground", Ground)
# Only these have a sixty-day clock and a review; the others follow the clock of their own law.
OWN_WAYS = frozenset({Way.HANDLE, Way.PROTECTION})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `to` None: the state stays. `event`: the kind of the line in the case's history."""

    froms: frozenset[PetitionState]
    to: PetitionState | None
    taker: Taker
    event: str
    asks: tuple[Ask, ...] = (Ask.WORDS,)
    starts: tuple[str, ...] = ()
    meets: tuple[str, ...] = ()


_DIVIDED = frozenset({S.CLASSIFIED, S.RETURNED})
_ARRIVED = frozenset({S.FORWARDED, S.ASSIGNED})
RULES: Mapping[Step, Rule] = MappingProxyType(
    {
        Step.CLASSIFY: Rule(
            frozenset({S.REGISTERED, S.CLASSIFIED}), S.CLASSIFIED, Taker.KEEPER, "petition.classified",
            (Ask.CLASS, Ask.WAY, Ask.WORDS),
        ),
        Step.FORWARD: Rule(
            _DIVIDED, S.FORWARDED, Taker.KEEPER, "petition.forwarded", (Ask.UNIT, Ask.WORDS),
            starts=("forward_notice", "forward_objection"),
            meets=("register_route",),
        ),
        Step.ASSIGN: Rule(
            _DIVIDED, S.ASSIGNED, Taker.KEEPER, "petition.assigned", (Ask.UNIT, Ask.DAYS, Ask.WORDS),
            starts=("forward_notice", "forward_objection", "assigned_feedback"),
            meets=("register_route",),
        ),
        Step.ROUTE: Rule(
            _DIVIDED, S.ROUTED, Taker.KEEPER, "petition.routed", (Ask.BODY, Ask.WORDS),
            meets=("register_route",),
        ),
        Step.REFUSE: Rule(_DIVIDED, S.REFUSED, Taker.KEEPER, "petition.refused", meets=("register_route",)),
        Step.CEASE: Rule(
            _DIVIDED, S.NO_LONGER_ACCEPTED, Taker.KEEPER, "petition.no_longer_accepted",
            meets=("register_route",),
        ),
        Step.OBJECT: Rule(
            _ARRIVED, S.OBJECTED, Taker.UNIT, "petition.objected", meets=("forward_objection",)
        ),
        Step.AGREE_RETURN: Rule(
            frozenset({S.OBJECTED}), S.RETURNED, Taker.KEEPER, "petition.returned",
            starts=("register_route",),
        ),
        Step.DECLINE_RETURN: Rule(
            frozenset({S.OBJECTED}), S.FORWARDED, Taker.KEEPER, "petition.return_declined"
        ),
        Step.NOTIFY: Rule(
            _ARRIVED, S.NOTIFIED, Taker.UNIT, "petition.notified", (Ask.SERVICE, Ask.ON, Ask.PROOF),
            meets=("forward_notice",),
        ),
        Step.ACCEPT: Rule(
            _ARRIVED | {S.NOTIFIED}, S.ACCEPTED, Taker.UNIT, "petition.accepted", (Ask.ON, Ask.WORDS),
            starts=("handle",), meets=("forward_notice",),
        ),
        Step.EXTEND: Rule(
            frozenset({S.ACCEPTED}), None, Taker.UNIT_HEAD, "petition.extended", (Ask.DAYS, Ask.WORDS)
        ),
        Step.CONCLUDE: Rule(
            frozenset({S.ACCEPTED}), S.CONCLUDED, Taker.UNIT, "petition.concluded",
            (Ask.CONCLUSION, Ask.WORDS), meets=("handle", "assigned_feedback"),
        ),
        Step.DELIVER: Rule(
            frozenset({S.CONCLUDED}), None, Taker.UNIT, "petition.delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF), starts=("review_apply",),
        ),
        Step.REQUEST_REVIEW: Rule(
            frozenset({S.CONCLUDED}), S.REVIEW_REQUESTED, Taker.KEEPER, "petition.review_requested",
            (Ask.REVIEWER, Ask.ON, Ask.WORDS), starts=("review_decide",), meets=("review_apply",),
        ),
        Step.DECIDE_REVIEW: Rule(
            frozenset({S.REVIEW_REQUESTED}), S.REVIEWED, Taker.REVIEWER, "petition.reviewed",
            (Ask.RESULT, Ask.WORDS), meets=("review_decide",),
        ),
        Step.DELIVER_REVIEW: Rule(
            frozenset({S.REVIEWED}), None, Taker.REVIEWER, "petition.review_delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF), starts=("recheck_apply",),
        ),
        Step.REQUEST_RECHECK: Rule(
            frozenset({S.REVIEWED}), S.RECHECK_REQUESTED, Taker.KEEPER, "petition.recheck_requested",
            (Ask.REVIEWER, Ask.ON, Ask.WORDS), starts=("recheck_decide",), meets=("recheck_apply",),
        ),
        Step.BEGIN_HEARING: Rule(
            frozenset({S.RECHECK_REQUESTED}), None, Taker.REVIEWER,
            "petition.hearing_began", (Ask.ON, Ask.WORDS),
        ),
        Step.END_HEARING: Rule(
            frozenset({S.RECHECK_REQUESTED}), None, Taker.REVIEWER,
            "petition.hearing_ended", (Ask.ON, Ask.WORDS),
        ),
        Step.DECIDE_RECHECK: Rule(
            frozenset({S.RECHECK_REQUESTED}), S.RECHECKED, Taker.REVIEWER, "petition.rechecked",
            (Ask.RESULT, Ask.WORDS), meets=("recheck_decide",),
        ),
        Step.DELIVER_RECHECK: Rule(
            frozenset({S.RECHECKED}), None, Taker.REVIEWER, "petition.recheck_delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF),
        ),
        Step.TERMINATE: Rule(
            frozenset({S.CONCLUDED, S.REVIEWED, S.RECHECKED}), S.TERMINATED, Taker.KEEPER,
            "petition.terminated", (Ask.GROUND, Ask.WORDS), meets=("review_apply", "recheck_apply"),
        ),
        Step.CLOSE: Rule(
            frozenset({S.CONCLUDED, S.TERMINATED, S.ROUTED, S.REFUSED, S.NO_LONGER_ACCEPTED}), S.CLOSED,
            Taker.KEEPER, "petition.closed", meets=("review_apply",),
        ),
    }
)  # fmt: skip


def ways_of(class_: PetitionClass) -> tuple[Way, ...]:
    """Which ways there are for a class: accusations go to the discipline organs alone (Art. 30)."""
    if class_ is PetitionClass.ACCUSATION:
        return (Way.DISCIPLINE,)
    if class_ is PetitionClass.SUGGESTION:
        return (Way.HANDLE,)
    return tuple(way for way in Way if way is not Way.DISCIPLINE)


def steps_from(state: PetitionState, way: Way | None) -> tuple[Step, ...]:
    """Which steps the table offers; what goes another way is routed, what is ours is not."""
    own = way is None or way in OWN_WAYS
    unfit = {Step.ROUTE} if own else {Step.FORWARD, Step.ASSIGN}
    return tuple(step for step, rule in RULES.items() if state in rule.froms and step not in unfit)
