"""Rows of what comes by SMS and WeChat: a thread of one sender, a draft until a clerk enters it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.casefile import Channel
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.vocabulary import names


class ThreadState(StrEnum):
    """Where a thread stands."""

    OPEN = "open"
    REGISTERED = "registered"
    DISMISSED = "dismissed"


THREAD_STATE_NAMES = names("thread", ThreadState)


class MessageThread(Base):
    """Messages of one sender (digits of a phone, or an account of WeChat) that wait for one decision."""

    __tablename__ = "message_threads"
    __table_args__ = (
        Index(
            "ix_message_threads_open", "channel", "sender", unique=True,
            sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'"),
        ),
        Index("ix_message_threads_office", "organisation_id", "state", "last_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    channel: Mapped[Channel]
    sender: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    state: Mapped[ThreadState]
    petition_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), default=None
    )
    reason: Mapped[str | None] = mapped_column(String(800), default=None)
    message_count: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@append_only
class ThreadMessage(Base):
    """One message. `external_id` is its name in the network it came from; it comes in once."""

    __tablename__ = "thread_messages"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        UniqueConstraint("thread_id", "sequence"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    thread_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("message_threads.id"))
    sequence: Mapped[int]
    channel: Mapped[Channel]
    external_id: Mapped[str] = mapped_column(String(128))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class InboundMark(Base):
    """A nonce or message that was taken already, as long as a copy of its request could still pass."""

    __tablename__ = "inbound_marks"

    channel: Mapped[str] = mapped_column(String(32), primary_key=True)
    mark: Mapped[str] = mapped_column(String(160), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
