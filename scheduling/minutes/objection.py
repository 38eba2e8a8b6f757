"""An objection to a paragraph of the minutes, and how it was answered. Both are only ever added.

An objection is answered by a correction or logged with the reason why not (Supreme People's Court,
庭审录音录像的若干规定, Art. 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id


class ObjectionOutcome(StrEnum):
    """What became of an objection."""

    CORRECTED = "corrected"
    EXPLAINED = "explained"
    LOGGED = "logged"
    WITHDRAWN = "withdrawn"


OUTCOME_NAMES: Mapping[ObjectionOutcome, str] = {
    ObjectionOutcome.CORRECTED: "已更正",
    ObjectionOutcome.EXPLAINED: "已说明",
    ObjectionOutcome.LOGGED: "未采纳，已记录",
    ObjectionOutcome.WITHDRAWN: "已撤回",
}


@append_only
class MinutesObjection(Base):
    """Somebody says that a paragraph is wrong; without a paragraph, that something is missing.

    `revision` is the wording of the paragraph they objected to.
    """

    __tablename__ = "minutes_objections"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), index=True)
    paragraph_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("minutes_paragraphs.id"))
    revision: Mapped[int | None]
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"))
    name: Mapped[str] = mapped_column(String(256))
    at: Mapped[datetime]
    words: Mapped[str] = mapped_column(Text)


@append_only
class ObjectionAnswer(Base):
    """The one answer of the officials to an objection; `revision` is the corrected wording."""

    __tablename__ = "minutes_objection_answers"

    objection_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("minutes_objections.id"), primary_key=True
    )
    outcome: Mapped[ObjectionOutcome]
    revision: Mapped[int | None]
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


async def count_open_objections(db: AsyncSession, minutes_id: str) -> int:
    """How many were not answered yet. The caller has asked the policy."""
    query = select(func.count()).select_from(MinutesObjection).outerjoin(ObjectionAnswer)
    query = query.where(MinutesObjection.minutes_id == minutes_id, ObjectionAnswer.objection_id.is_(None))
    return await db.scalar(query) or 0
