"""The rows of a notice: every message to a citizen before it leaves, and each step of its way.

Rows are only ever added. What a message says in secret (a code, a link) stands in its draft alone, sealed,
and the draft is gone when the message has left or nobody may use it any more. The telephone number stands in
a row of its own and goes when the link has served (scheduling/arrival/forgetting.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id

# A row refers to these, and SQLAlchemy must know their tables before it writes one.
from cases.documents.document import IssuedDocument as IssuedDocument
from scheduling.booking.booking import Booking as Booking
from scheduling.session import Session as Session

MAX_REASON = 200


class NoticeChannel(StrEnum):
    """How a message travels."""

    SMS = "sms"
    WECHAT = "wechat"
    TELEPHONE = "telephone"
    PAPER = "paper"


CHANNEL_NAMES: Mapping[NoticeChannel, str] = {
    NoticeChannel.SMS: "短信",
    NoticeChannel.WECHAT: "微信",
    NoticeChannel.TELEPHONE: "电话告知",
    NoticeChannel.PAPER: "纸质通知单",
}
# Somebody does it by hand and says when it is done; no gateway carries it.
BY_HAND = frozenset({NoticeChannel.TELEPHONE, NoticeChannel.PAPER})
# Where a message goes that could not be delivered; who has a telephone is called in the end.
FALLBACK: Mapping[NoticeChannel, NoticeChannel] = {
    NoticeChannel.SMS: NoticeChannel.TELEPHONE,
    NoticeChannel.WECHAT: NoticeChannel.SMS,
    NoticeChannel.TELEPHONE: NoticeChannel.PAPER,
}
# A code of ten minutes is of no use by any other way.
NO_FALLBACK = frozenset({"identity_code", "phone_code", "query_code"})
NO_FALLBACK |= {"invitation", "mediation_invitation"}
# Answers to a message: where that could not be answered, nobody is called at another hour.
NO_FALLBACK |= {"message_taken", "booking_answer"}
# To units that must attend a reception day, and to who receives on it and prepares it; about no case, and
# somebody tells them all the same.
OF_RECEPTION_DAYS = frozenset(
    {
        "attendance_asked",
        "attendance_changed",
        "attendance_moved",
        "attendance_cancelled",
        "attendance_reminder",
        "reception_day_leader",
        "reception_day_substitute",
        "reception_day_briefing",
        "reception_day_changed",
        "reception_day_moved",
        "reception_day_cancelled",
    }
)
# Whom it went to is nobody's business any more once it has left.
FORGOTTEN_AT_ONCE = frozenset({"progress", "phone_code", "query_code"})


class NoticeState(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


# An attempt that failed and will be repeated is a step, too: queued again, with the reason.
TRANSITIONS: Mapping[NoticeState, frozenset[NoticeState]] = {
    NoticeState.QUEUED: frozenset({NoticeState.QUEUED, NoticeState.SENT, NoticeState.FAILED}),
    NoticeState.SENT: frozenset(),
    # What no way could deliver somebody told in person after all.
    NoticeState.FAILED: frozenset({NoticeState.SENT}),
}
_FAILED = text("state = 'failed'")
EXPIRED = "过了有效期还没有发出"


@append_only
class Notice(Base):
    """One message. `text` is what it says without its secrets.

    What it is about: mostly a case, and of that a session, a booking or a paper. `instead_of_id`: the message
    that could not be delivered and goes on this way.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_organisation_id_queued_at", "organisation_id", "queued_at", "id"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    channel: Mapped[NoticeChannel]
    template: Mapped[str] = mapped_column(String(32))
    template_version: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(String(2000))
    session_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"))
    petition_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"))
    booking_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("bookings.id"))
    document_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("documents.id"), index=True)
    instead_of_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    queued_at: Mapped[datetime] = mapped_column(index=True)


class NoticeAddress(Base):
    """Where a message goes, as long as that is needed: a phone number in digits, or an id of WeChat."""

    __tablename__ = "notice_addresses"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), primary_key=True)
    recipient: Mapped[str] = mapped_column(String(64), index=True)


@append_only
class NoticeEvent(Base):
    """One step of a message; the last one is its state."""

    __tablename__ = "notice_events"
    __table_args__ = (
        UniqueConstraint("notice_id", "sequence"),
        # The few that somebody must look after, among all that went out.
        Index("ix_notice_events_failed", "notice_id", sqlite_where=_FAILED, postgresql_where=_FAILED),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"))
    sequence: Mapped[int]
    state: Mapped[NoticeState]
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(800), default="")


class NoticeDraft(Base):
    """What is still to be sent: the whole text, sealed. `due_at` is None when it is kept for showing only."""

    __tablename__ = "notice_drafts"

    notice_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("notices.id"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(8000))
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
