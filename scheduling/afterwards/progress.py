"""Progress: what the law lets a petitioner know about his matter, as dates and plain words; nothing else.

The list of what is disclosed is here. An event that is not in it is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionClass, PetitionEvent, PetitionState
from cases.clock import BEIJING
from cases.deadlines.deadline import Deadline, count
from cases.deadlines.explaining import explain
from cases.deadlines.in_force import calendar_of
from cases.handling.clocks import PetitionClock, find_running, profile_of
from cases.handling.procedure import OWN_WAYS, Way
from cases.vocabulary import citizen_words, of_mediation
from scheduling.session import SessionKind

DISCLOSED = frozenset(
    {
        "petition.registered",
        "petition.forwarded",
        "petition.assigned",
        "petition.routed",
        "petition.refused",
        "petition.no_longer_accepted",
        "petition.notified",
        "petition.accepted",
        "petition.extended",
        "petition.concluded",
        "petition.delivered",
        "petition.review_requested",
        "petition.reviewed",
        "petition.review_delivered",
        "petition.recheck_requested",
        "petition.rechecked",
        "petition.recheck_delivered",
        "petition.terminated",
        "petition.closed",
        "booking.created",
        "booking.confirmed",
        "booking.scheduled",
        "booking.reviewing",
        "booking.approved",
        "booking.rejected",
        "booking.moved",
        "booking.time_proposed",
        "booking.time_accepted",
        "booking.time_asked_anew",
        "joint.time_accepted",
        "booking.redirected",
        "booking.cancelled",
        "session.created",
        "session.moved",
        "session.closed",
        "session.cancelled",
        "session.rescheduled",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline."""

    at: datetime
    words: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class AnswerDue:
    """Until when an answer is due, and why. `provisional`: the matter was not accepted yet."""

    deadline: Deadline
    provisional: bool

    def why(self) -> list[str]:
        """The sentences that explain the date."""
        if not self.provisional:
            return explain(self.deadline)
        return ["还没有受理，先按登记的日子计算；受理以后以受理的日子为准。", *explain(self.deadline, "登记")]


@dataclass(frozen=True, slots=True)
class NextDeadline:
    """The clock that runs next for a petitioner. `office`: whose turn it is, or "" where it is his own."""

    duty: str
    office: str
    deadline: Deadline


S = PetitionState
# As long as a matter is on its way to its answer.
UNANSWERED = frozenset(
    {S.REGISTERED, S.CLASSIFIED, S.FORWARDED, S.ASSIGNED, S.OBJECTED, S.RETURNED, S.NOTIFIED, S.ACCEPTED}
)
# State → the duty or right whose clock runs then. Who disputes a matter inside is not told outside.
RUNNING = {
    S.REGISTERED: "register_route",
    S.CLASSIFIED: "register_route",
    S.RETURNED: "register_route",
    S.FORWARDED: "forward_notice",
    S.ASSIGNED: "forward_notice",
    S.OBJECTED: "forward_notice",
    S.ACCEPTED: "handle",
    S.CONCLUDED: "review_apply",
    S.REVIEW_REQUESTED: "review_decide",
    S.REVIEWED: "recheck_apply",
    S.RECHECK_REQUESTED: "recheck_decide",
}
OWN = frozenset({"review_apply", "recheck_apply"})
DECIDING = frozenset({"review_decide", "recheck_decide"})


def handling_office(petition: PetitionCase) -> str:
    """Who has it in hand: the responsible unit, before there is one the office that keeps it."""
    return (petition.handler or petition.custodian).name


async def answer_due(db: AsyncSession, petition: PetitionCase) -> AnswerDue | None:
    """Until when an answer is due (Regulations on Petition Work, Art. 34: 60 days of acceptance).

    As long as the matter was not accepted the date of registration counts, which is the stricter reading.
    None where none is due: it was given or refused, or the matter goes a way with a clock of its own law.
    """
    own = petition.way is None or Way(petition.way) in OWN_WAYS
    if petition.state not in UNANSWERED or not own or petition.class_ is PetitionClass.ACCUSATION:
        return None
    query = select(PetitionClock).where(
        PetitionClock.petition_id == petition.id, PetitionClock.duty == "handle"
    )
    row = (await db.scalars(query.order_by(PetitionClock.begun_at.desc()).limit(1))).first()
    if row is not None:
        return AnswerDue(row.counted(), provisional=False)
    start = petition.registered_at.astimezone(BEIJING).date()
    calendar = calendar_of(petition.custodian.region_code)
    return AnswerDue(count(profile_of(petition), calendar, "handle", start), provisional=True)


async def next_deadline(db: AsyncSession, petition: PetitionCase) -> NextDeadline | None:
    """What runs now, by how far the case has come; None where nothing does."""
    duty = RUNNING.get(petition.state)
    row = await find_running(db, petition.id, duty) if duty else None
    if row is None:
        return None
    office = handling_office(petition)
    if row.duty == "register_route":
        office = petition.custodian.name
    elif row.duty in DECIDING and petition.reviewer is not None:
        office = petition.reviewer.name
    return NextDeadline(row.duty, "" if row.duty in OWN else office, row.counted())


async def list_progress(db: AsyncSession, petition: PetitionCase) -> Sequence[Step]:
    """The disclosed steps of a matter, oldest first. The caller has made sure that it is the petitioner's."""
    query = select(PetitionEvent).where(
        PetitionEvent.petition_id == petition.id, PetitionEvent.kind.in_(sorted(DISCLOSED))
    )
    rows = (await db.scalars(query.order_by(PetitionEvent.sequence))).all()
    return [Step(row.at, _words(row), row.kind) for row in rows]


def _words(row: PetitionEvent) -> str:
    words = citizen_words("event", row.kind)
    return of_mediation(words) if row.data.get("sitting") == SessionKind.MEDIATION else words
