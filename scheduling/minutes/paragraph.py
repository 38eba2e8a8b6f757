"""A paragraph of the minutes as it stands, and every wording it ever had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id


class ParagraphKind(StrEnum):
    """What a paragraph is. A note is for the officials alone and never part of what is read back."""

    HEADING = "heading"
    QUESTION = "question"
    ANSWER = "answer"
    STATEMENT = "statement"
    NOTE = "note"


KIND_NAMES: Mapping[ParagraphKind, str] = {
    ParagraphKind.HEADING: "标题",
    ParagraphKind.QUESTION: "问",
    ParagraphKind.ANSWER: "答",
    ParagraphKind.STATEMENT: "陈述",
    ParagraphKind.NOTE: "备注（仅工作人员）",
}


class RevisionAct(StrEnum):
    """How a wording came about: `merged` with a change made at once, `restored` by writing on."""

    INSERTED = "inserted"
    EDITED = "edited"
    MERGED = "merged"
    RESTORED = "restored"
    DESCRIBED = "described"
    MOVED = "moved"
    REMOVED = "removed"


ACT_NAMES: Mapping[RevisionAct, str] = {
    RevisionAct.INSERTED: "新增",
    RevisionAct.EDITED: "修改",
    RevisionAct.MERGED: "与同时的修改合并",
    RevisionAct.RESTORED: "删除后恢复",
    RevisionAct.DESCRIBED: "改类别或说话人",
    RevisionAct.MOVED: "移动",
    RevisionAct.REMOVED: "删除",
}


class MinutesParagraph(Base):
    """One paragraph. `place` orders those of one sheet; ids come from the page that began the paragraph.

    `said_at` and `monotonic_ms` are the moment it was begun, on the two clocks of a SessionEvent, so that it
    is found on the film as an event is; both empty when it was not written during the sitting.
    `speaker_id` is an invitation; name and office are kept as they were.
    """

    __tablename__ = "minutes_paragraphs"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), index=True)
    place: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[ParagraphKind]
    speaker_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"))
    speaker_name: Mapped[str] = mapped_column(String(256), default="")
    speaker_office: Mapped[str] = mapped_column(String(256), default="")
    text: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    removed: Mapped[bool] = mapped_column(default=False)
    said_at: Mapped[datetime | None]
    monotonic_ms: Mapped[int | None] = mapped_column(BigInteger)


@append_only
class MinutesRevision(Base):
    """A paragraph after one change: who, when, what it was then.

    `number` counts those of the paragraph from 1, `version` those of the whole sheet. `edit_id` is the page's
    own name for the change: sent twice, it is done once.
    """

    __tablename__ = "minutes_revisions"
    __table_args__ = (
        UniqueConstraint("paragraph_id", "number"),
        UniqueConstraint("minutes_id", "version"),
        UniqueConstraint("minutes_id", "edit_id"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"))
    paragraph_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes_paragraphs.id"))
    number: Mapped[int]
    version: Mapped[int]
    edit_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    act: Mapped[RevisionAct]
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
    kind: Mapped[ParagraphKind]
    speaker_name: Mapped[str] = mapped_column(String(256))
    speaker_office: Mapped[str] = mapped_column(String(256))
    text: Mapped[str] = mapped_column(Text)
