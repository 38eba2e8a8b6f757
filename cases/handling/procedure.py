"""The procedure of a case as a table: what a step needs, who takes it, where it leads, which clocks it moves.

Regulations on Petition Work (2022): registration and forwarding Art. 22, notice and objection Art. 23,
the statutory channels Art. 31, conclusions Art. 32, sixty days Art. 34, review Art. 35, recheck with its
hearing Art. 36, refusals Art. 19 and 36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from cases.casefile import PetitionClass, PetitionState
from cases.documents.kind import DocumentKind
from cases.vocabulary import names

S, D = PetitionState, DocumentKind


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
    LEFT = "left"
    ANNOUNCED = "announced"


class Taker(StrEnum):
    """Whose step it is, or whose paper; the last two are those of a supervision order and take no step."""

    KEEPER = "keeper"
    UNIT = "unit"
    UNIT_HEAD = "unit_head"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    SUPERVISED = "supervised"


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


class Keep(StrEnum):
    """What the case itself remembers of a step."""

    CLASS = "class"
    HANDLER = "handler"
    NO_HANDLER = "no_handler"
    REVIEWER = "reviewer"
    ACCEPTED_ON = "accepted_on"
    CONCLUSION = "conclusion"


class Move(StrEnum):
    """What a step does to a clock that runs, beside starting and meeting."""

    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class InTime:
    """Until the clock of `duty` has run out; who is late is told by `code` and `act`."""

    duty: str
    code: str
    act: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What has to be true of a case that comes to an end in a state.

    `right`: the petitioner's right that must have run out. `grounds`: which grounds fit there. `delivered`:
    the event without which its last paper never reached the petitioner.
    """

    right: str = ""
    grounds: frozenset[Ground] = frozenset()
    delivered: str = ""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Where a step leads with one of its results, and which clocks begin then."""

    to: PetitionState
    starts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `to` None: the state stays. `event`: the kind of the line in the case's history.

    `starts`, `meets`: duties whose clocks begin and end. `moves`: what happens to a running clock. `needs`:
    by state, the clock that the delivery of a paper has to have begun. `in_time`: until when. `otherwise`:
    what a result changes. `back`: the case returns to where it came from. `makes`: papers that the step
    calls for. `delivers`: the paper whose delivery is this step. `ends`: by state, what an end takes.
    """

    froms: frozenset[PetitionState]
    to: PetitionState | None
    taker: Taker
    event: str
    asks: tuple[Ask, ...] = (Ask.WORDS,)
    starts: tuple[str, ...] = ()
    meets: tuple[str, ...] = ()
    keeps: Keep | None = None
    moves: tuple[Move, str] | None = None
    needs: Mapping[PetitionState, str] = field(default_factory=dict)
    in_time: InTime | None = None
    otherwise: Mapping[Result, Otherwise] = field(default_factory=dict)
    back: bool = False
    makes: tuple[DocumentKind, ...] = ()
    delivers: DocumentKind | None = None
    ends: Mapping[PetitionState, Ending] = field(default_factory=dict)


_DIVIDED = frozenset({S.CLASSIFIED, S.RETURNED})
_ARRIVED = frozenset({S.FORWARDED, S.ASSIGNED})
# The clock that begins when the opinion of that state reached the petitioner.
_DELIVERED = MappingProxyType({S.CONCLUDED: "review_apply", S.REVIEWED: "recheck_apply"})
# Nobody's right to ask for a review or a recheck (Art. 35, 36) is cut off by an end that comes before.
_WITHOUT_RECHECK = frozenset({Ground.NOT_ASKED, Ground.AGREED, Ground.DIED})
_TERMINATED = MappingProxyType(
    {
        S.CONCLUDED: Ending("review_apply", _WITHOUT_RECHECK),
        S.REVIEWED: Ending("recheck_apply", _WITHOUT_RECHECK),
        S.RECHECKED: Ending(
            "", frozenset({Ground.RECHECKED, Ground.AGREED, Ground.DIED}), "petition.recheck_delivered"
        ),
    }
)
# Who agrees gives the right up, and nobody is left to use it.
WAIVED = frozenset({Ground.AGREED, Ground.DIED})
RULES: Mapping[Step, Rule] = MappingProxyType(
    {
        Step.CLASSIFY: Rule(
            frozenset({S.REGISTERED, S.CLASSIFIED}), S.CLASSIFIED, Taker.KEEPER, "petition.classified",
            (Ask.CLASS, Ask.WAY, Ask.WORDS), keeps=Keep.CLASS,
        ),
        Step.FORWARD: Rule(
            _DIVIDED, S.FORWARDED, Taker.KEEPER, "petition.forwarded", (Ask.UNIT, Ask.WORDS),
            starts=("forward_notice", "forward_objection"), meets=("register_route",), keeps=Keep.HANDLER,
            makes=(D.TRANSFER_SHEET, D.RECEIPT_NOTICE),
        ),
        Step.ASSIGN: Rule(
            _DIVIDED, S.ASSIGNED, Taker.KEEPER, "petition.assigned", (Ask.UNIT, Ask.DAYS, Ask.WORDS),
            starts=("forward_notice", "forward_objection", "assigned_feedback"),
            meets=("register_route",), keeps=Keep.HANDLER, makes=(D.ASSIGNMENT_SHEET, D.RECEIPT_NOTICE),
        ),
        Step.ROUTE: Rule(
            _DIVIDED, S.ROUTED, Taker.KEEPER, "petition.routed", (Ask.BODY, Ask.WORDS),
            meets=("register_route",), makes=(D.ROUTING_NOTICE,),
        ),
        Step.REFUSE: Rule(
            _DIVIDED, S.REFUSED, Taker.KEEPER, "petition.refused", meets=("register_route",),
            makes=(D.REFUSAL_NOTICE,),
        ),
        Step.CEASE: Rule(
            _DIVIDED, S.NO_LONGER_ACCEPTED, Taker.KEEPER, "petition.no_longer_accepted",
            meets=("register_route",), makes=(D.CESSATION_NOTICE,),
        ),
        Step.OBJECT: Rule(
            _ARRIVED, S.OBJECTED, Taker.UNIT, "petition.objected", meets=("forward_objection",),
            in_time=InTime("forward_objection", "objection_late", "提出异议"), makes=(D.OBJECTION,),
        ),
        Step.AGREE_RETURN: Rule(
            frozenset({S.OBJECTED}), S.RETURNED, Taker.KEEPER, "petition.returned",
            starts=("register_route",), meets=("forward_notice", "assigned_feedback"), keeps=Keep.NO_HANDLER,
        ),
        Step.DECLINE_RETURN: Rule(
            frozenset({S.OBJECTED}), S.FORWARDED, Taker.KEEPER, "petition.return_declined", back=True
        ),
        Step.NOTIFY: Rule(
            _ARRIVED, S.NOTIFIED, Taker.UNIT, "petition.notified", (Ask.SERVICE, Ask.ON, Ask.PROOF),
            meets=("forward_notice",), delivers=D.RECEIPT_NOTICE,
        ),
        Step.ACCEPT: Rule(
            _ARRIVED | {S.NOTIFIED}, S.ACCEPTED, Taker.UNIT, "petition.accepted", (Ask.ON, Ask.WORDS),
            starts=("handle",), meets=("forward_notice",), keeps=Keep.ACCEPTED_ON,
            makes=(D.ACCEPTANCE_NOTICE,),
        ),
        Step.EXTEND: Rule(
            frozenset({S.ACCEPTED}), None, Taker.UNIT_HEAD, "petition.extended", (Ask.DAYS, Ask.WORDS),
            moves=(Move.EXTEND, "handle"), makes=(D.EXTENSION_NOTICE,),
        ),
        Step.CONCLUDE: Rule(
            frozenset({S.ACCEPTED}), S.CONCLUDED, Taker.UNIT, "petition.concluded",
            (Ask.CONCLUSION, Ask.WORDS), meets=("handle", "assigned_feedback"), keeps=Keep.CONCLUSION,
            makes=(D.HANDLING_OPINION, D.CLOSING_REPORT),
        ),
        Step.DELIVER: Rule(
            frozenset({S.CONCLUDED}), None, Taker.UNIT, "petition.delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF), starts=("review_apply",), delivers=D.HANDLING_OPINION,
        ),
        Step.REQUEST_REVIEW: Rule(
            frozenset({S.CONCLUDED}), S.REVIEW_REQUESTED, Taker.KEEPER, "petition.review_requested",
            (Ask.REVIEWER, Ask.ON, Ask.WORDS), starts=("review_decide",), meets=("review_apply",),
            keeps=Keep.REVIEWER, needs=_DELIVERED, makes=(D.REVIEW_RECEIPT,),
            in_time=InTime("review_apply", "review_late", "请求复查"),
        ),
        Step.DECIDE_REVIEW: Rule(
            frozenset({S.REVIEW_REQUESTED}), S.REVIEWED, Taker.REVIEWER, "petition.reviewed",
            (Ask.RESULT, Ask.WORDS), meets=("review_decide",), makes=(D.REVIEW_OPINION,),
            otherwise=MappingProxyType({Result.REDO: Otherwise(S.ACCEPTED, starts=("handle",))}),
        ),
        Step.DELIVER_REVIEW: Rule(
            frozenset({S.REVIEWED}), None, Taker.REVIEWER, "petition.review_delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF), starts=("recheck_apply",), delivers=D.REVIEW_OPINION,
        ),
        Step.REQUEST_RECHECK: Rule(
            frozenset({S.REVIEWED}), S.RECHECK_REQUESTED, Taker.KEEPER, "petition.recheck_requested",
            (Ask.REVIEWER, Ask.ON, Ask.WORDS), starts=("recheck_decide",), meets=("recheck_apply",),
            keeps=Keep.REVIEWER, needs=_DELIVERED, makes=(D.RECHECK_RECEIPT, D.HEARING_NOTICE),
            in_time=InTime("recheck_apply", "recheck_late", "请求复核"),
        ),
        Step.BEGIN_HEARING: Rule(
            frozenset({S.RECHECK_REQUESTED}), None, Taker.REVIEWER,
            "petition.hearing_began", (Ask.ON, Ask.WORDS), moves=(Move.PAUSE, "recheck_decide"),
        ),
        Step.END_HEARING: Rule(
            frozenset({S.RECHECK_REQUESTED}), None, Taker.REVIEWER,
            "petition.hearing_ended", (Ask.ON, Ask.WORDS), moves=(Move.RESUME, "recheck_decide"),
        ),
        Step.DECIDE_RECHECK: Rule(
            frozenset({S.RECHECK_REQUESTED}), S.RECHECKED, Taker.REVIEWER, "petition.rechecked",
            (Ask.RESULT, Ask.WORDS), meets=("recheck_decide",), makes=(D.RECHECK_OPINION,),
            otherwise=MappingProxyType({Result.REDO: Otherwise(S.ACCEPTED, starts=("handle",))}),
        ),
        Step.DELIVER_RECHECK: Rule(
            frozenset({S.RECHECKED}), None, Taker.REVIEWER, "petition.recheck_delivered",
            (Ask.SERVICE, Ask.ON, Ask.PROOF), delivers=D.RECHECK_OPINION,
        ),
        Step.TERMINATE: Rule(
            frozenset({S.CONCLUDED, S.REVIEWED, S.RECHECKED}), S.TERMINATED, Taker.KEEPER,
            "petition.terminated", (Ask.GROUND, Ask.WORDS), meets=("review_apply", "recheck_apply"),
            needs=_DELIVERED, makes=(D.TERMINATION_NOTICE,), ends=_TERMINATED,
        ),
        Step.CLOSE: Rule(
            frozenset({S.CONCLUDED, S.TERMINATED, S.ROUTED, S.REFUSED, S.NO_LONGER_ACCEPTED}), S.CLOSED,
            Taker.KEEPER, "petition.closed", meets=("review_apply",), needs=_DELIVERED,
            ends=MappingProxyType({S.CONCLUDED: Ending("review_apply")}),
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
