"""Ratings: what petitioners think of the office and of the handling, once, of their own will.

They are of organisations and never of people, no score of a citizen is kept with his name anywhere but in
his own row, and whoever is rated sees sums only (国信发〔2014〕: office and unit are rated separately).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean_text
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from cases.roles import InvitationRole
from cases.visibility import reachable_organisations
from scheduling.arrival.identity import own_invitation
from scheduling.reach import load_session
from scheduling.session import Session, SessionState

# A sitting of a mediation without a case is nobody's handling, so nobody is asked to rate it.
RATERS = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY})
RATEABLE = frozenset({SessionState.CLOSED, SessionState.ARCHIVED})
MAX_WORDS = 500
FEWEST = 5  # Fewer ratings than this are not summed up: one could tell whose they are.


class Question(StrEnum):
    """What is asked; the first two are about the office, the third about the unit that handles the matter."""

    TIMELY = "timely"
    MANNER = "manner"
    OUTCOME = "outcome"


QUESTIONS: Mapping[Question, str] = {
    Question.TIMELY: "对受理的速度满意吗？",
    Question.MANNER: "对接待的态度和程序满意吗？",
    Question.OUTCOME: "对事情的办理满意吗？",
}
SCORES: Mapping[int, str] = {5: "很满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "很不满意"}
SATISFIED = 3  # 满意 and 基本满意 both count.


@append_only
class Rating(Base):
    """One answer; `score` is 1 to 5, or None when the person chose not to rate."""

    __tablename__ = "ratings"
    __table_args__ = (
        UniqueConstraint("invitation_id", "question"),
        # All that the sums of an office are made of (list_figures).
        Index("ix_ratings_sums", "organisation_id", "question", "at", "score"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"))
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    question: Mapped[Question]
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    score: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Figures:
    """The sum for one organisation and question; `satisfied` is None when there are too few to tell."""

    organisation: str
    question: Question
    rated: int
    declined: int
    satisfied: int | None


@atomic
async def rate(
    db: AsyncSession, clock: Clock, actor: Actor, question: Question, score: int | None, words: str = ""
) -> None:
    """Give one answer, or none on purpose, and commit.

    Raises Invalid at `score` or `words`, Forbidden, Conflict `not_over`, `already_rated`.
    """
    invitation = await own_invitation(db, actor)
    if invitation.role not in RATERS:
        raise Forbidden("not_petitioner", "评价由信访人本人或者代理人填写。")
    session = await load_session(db, invitation.session_id)
    if session.state not in RATEABLE:
        raise Conflict("not_over", "接访结束以后才能评价。")
    if score is not None and score not in SCORES:
        raise Invalid("bad_score", "请选一项，或者点「不评价」。", "score")
    host, unit = session.host_organisation_id, session.case.custodian_id
    values = {
        "id": new_id(), "invitation_id": invitation.id, "session_id": session.id, "question": question,
        "organisation_id": unit if question is Question.OUTCOME else host, "score": score,
        "words": clean_text(words, "words", "想说的话", MAX_WORDS) if score is not None else "",
        "at": clock.now(),
    }  # fmt: skip
    try:
        await db.execute(insert(Rating).values(**values))
    except IntegrityError as error:
        raise Conflict("already_rated", "您已提交，谢谢。") from error
    await db.commit()


async def answered(db: AsyncSession, invitation_id: str) -> set[Question]:
    """Which questions this person has answered or put aside."""
    return set(await db.scalars(select(Rating.question).where(Rating.invitation_id == invitation_id)))


async def list_figures(db: AsyncSession, clock: Clock, actor: Actor) -> Sequence[Figures]:
    """Sums by organisation and question for what the actor reaches; no single rating, no words.

    As they stood before today: what changes within a day would tell who has just rated.
    """
    require(actor, Action.SEE_RATINGS)
    reach = reachable_organisations(actor, Action.SEE_RATINGS)
    query = (
        select(
            Organisation.name,
            Rating.question,
            func.count(Rating.score),
            func.count(),
            func.count(Rating.score).filter(Rating.score >= SATISFIED),
        )
        .join(Organisation, Organisation.id == Rating.organisation_id)
        .where(Rating.organisation_id.in_(reach), Rating.at < midnight(clock))
        .group_by(Organisation.name, Organisation.region_code, Rating.question)
        .order_by(Organisation.region_code, Organisation.name)
    )
    rows = (await db.execute(query)).all()
    order = list(Question)
    found = [
        Figures(name, question, rated, asked - rated, good if rated >= FEWEST else None)
        for name, question, rated, asked, good in rows
    ]
    return sorted(found, key=lambda one: (one.organisation, order.index(one.question)))


async def count_closed(db: AsyncSession, clock: Clock, actor: Actor) -> int:
    """How many receptions could have been rated before today: the denominator of the rating rate."""
    require(actor, Action.SEE_RATINGS)
    reach = reachable_organisations(actor, Action.SEE_RATINGS)
    query = select(func.count()).select_from(Session)
    query = query.where(Session.state.in_(sorted(RATEABLE)), Session.host_organisation_id.in_(reach))
    return await db.scalar(query.where(Session.closed_at < midnight(clock))) or 0


def midnight(clock: Clock) -> datetime:
    """When today began, in Beijing."""
    return datetime.combine(today(clock), time(), BEIJING)
