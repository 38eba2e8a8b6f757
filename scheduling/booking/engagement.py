"""The rows of what is taken: a person, room or piece of equipment, from when to when, by which session."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, new_id


class ResourceKind(StrEnum):
    """What can be in one place at a time only."""

    PERSON = "person"
    ROOM = "room"
    EQUIPMENT = "equipment"


class Resource(Base):
    """What can be engaged; `id` is that of the official, room or equipment.

    `turn` counts who touched the row: whoever engages it waits for whoever engages it at that moment.
    """

    __tablename__ = "resources"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    kind: Mapped[ResourceKind]
    turn: Mapped[int] = mapped_column(default=0)


class Engagement(Base):
    """A resource taken by a session from `starts_at` until before `ends_at`; free again once released."""

    __tablename__ = "engagements"
    __table_args__ = (Index("ix_engagements_resource_time", "resource_id", "ends_at"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    resource_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("resources.id"))
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    released_at: Mapped[datetime | None] = mapped_column(default=None)
