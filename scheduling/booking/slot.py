"""The rows of a reception room and of its slots."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation


class ReceptionRoom(Base):
    """A place in an organisation where one reception happens at a time; it may be a desk or a studio."""

    __tablename__ = "reception_rooms"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    name: Mapped[str] = mapped_column(String(256))
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class Slot(Base):
    """A stretch of time in one room. `is_public`: citizens may take it themselves.

    `closed`: its reception day was called off, nobody takes it any more.
    """

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("room_id", "starts_at"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("reception_rooms.id"))
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    is_public: Mapped[bool] = mapped_column(default=True)
    closed: Mapped[bool] = mapped_column(default=False)
    reception_day_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("reception_days.id"), index=True, default=None
    )
    room: Mapped[ReceptionRoom] = relationship(lazy="joined")
