"""What an upper office answers when it is asked to sit in a joint reception: yes, or no with a reason.

Who insists on the upper level is not refused by the lower one (domain.md 1.2, step 4); whether the upper
office comes is for that office to say. Without an answer it may be arranged for, and sees it in its calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.casefile import Part
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic
from cases.errors import Conflict, Invalid
from cases.fields import clean_text
from cases.organisations import Organisation
from cases.petitions import add_petition_event
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.booking.booking import Booking, BookingState
from scheduling.booking.bookings import get_booking

MAX_REASON = 200


class JointAnswer(StrEnum):
    """Does the office sit there?"""

    AGREED = "agreed"
    DECLINED = "declined"


class JointAnswerRow(Base):
    """The one answer of an office to a booking; the first one counts."""

    __tablename__ = "joint_answers"

    booking_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("bookings.id"), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), primary_key=True
    )
    answer: Mapped[JointAnswer]
    reason: Mapped[str] = mapped_column(String(800), default="")
    answered_at: Mapped[datetime]
    answered_by: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@dataclass(frozen=True, slots=True)
class Asked:
    """An upper office that is asked; `row` is None without an answer. `own`: the reader may answer."""

    office: Organisation
    row: JointAnswerRow | None
    own: bool


def asked_offices(booking: Booking, upper: Sequence[Organisation]) -> Sequence[Organisation]:
    """Which of the upper offices a booking asks: those that joined the case when it was approved."""
    if booking.state is not BookingState.APPROVED:
        return []
    joined = {part.organisation_id for part in booking.petition.organisations if part.part is Part.JOINT}
    return [office for office in upper if office.id in joined]


async def list_asked(
    db: AsyncSession, actor: Actor, booking: Booking, upper: Sequence[Organisation]
) -> Sequence[Asked]:
    """The offices a booking asks, with their answers. The caller has asked the policy."""
    rows = await answers_of(db, booking.id)
    own = visible_organisation_ids(actor, Action.BOOK)
    return [
        Asked(office, rows.get(office.id), office.id in own and office.id not in rows)
        for office in asked_offices(booking, upper)
    ]


@atomic
async def answer_joint(
    db: AsyncSession, clock: Clock, actor: Actor, booking_id: str, organisation_id: str,
    answer: JointAnswer, reason: str = "",
) -> JointAnswerRow:  # fmt: skip
    """Answer for an office of one's own, once, and commit; stands in the history of the case.

    Raises NotFound, Forbidden, Invalid at `reason`, Conflict `not_asked`, `answered`.
    """
    booking = await get_booking(db, actor, booking_id)
    require(actor, Action.BOOK)
    words = clean_text(reason, "reason", "原因", MAX_REASON)
    if answer is JointAnswer.DECLINED and not words:
        raise Invalid("required", "不参加的请写明原因。", "reason")
    joined = {part.organisation_id for part in booking.petition.organisations if part.part is Part.JOINT}
    own = visible_organisation_ids(actor, Action.BOOK)
    if booking.state is not BookingState.APPROVED or organisation_id not in joined & set(own):
        raise Conflict("not_asked", "这个预约没有请你单位参加，或者已经排定了。")
    values = {
        "booking_id": booking.id, "organisation_id": organisation_id, "answer": answer, "reason": words,
        "answered_at": clock.now(), "answered_by": actor.official_id,
    }  # fmt: skip
    try:
        await db.execute(insert(JointAnswerRow).values(**values))
    except IntegrityError as error:
        raise Conflict("answered", "你单位已经答复过了。") from error
    data = {"booking_id": booking.id, "organisation_id": organisation_id, "reason": words or None}
    await add_petition_event(db, clock, actor, booking.petition_id, f"joint.{answer}", data)
    await add_audit(db, clock, actor, f"joint.{answer}", "booking", booking.id, detail=data)
    await db.commit()
    return await db.get_one(JointAnswerRow, (booking.id, organisation_id))


async def answers_of(db: AsyncSession, booking_id: str) -> Mapping[str, JointAnswerRow]:
    """By the office's id."""
    query = select(JointAnswerRow).where(JointAnswerRow.booking_id == booking_id)
    return {row.organisation_id: row for row in await db.scalars(query)}


async def declined_by(db: AsyncSession, booking_id: str) -> set[str]:
    """Offices that do not come."""
    rows = await answers_of(db, booking_id)
    return {key for key, row in rows.items() if row.answer is JointAnswer.DECLINED}
