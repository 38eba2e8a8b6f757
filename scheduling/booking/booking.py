"""The row of a booking, its states, and the table of permitted moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.people import Official, Person
from cases.vocabulary import names
from scheduling.booking.slot import Slot


class BookingKind(StrEnum):
    """Who asked for the reception (domain.md 1.2, step 1)."""

    SELF_ONLINE = "self_online"
    STATION_ASSISTED = "station_assisted"
    LEADER_INVITED = "leader_invited"
    DEPARTMENT_REQUESTED = "department_requested"
    BY_PROXY = "by_proxy"


BOOKING_KIND_NAMES = {
    BookingKind.SELF_ONLINE: "网上自助预约",
    BookingKind.STATION_ASSISTED: "窗口代办",
    BookingKind.LEADER_INVITED: "领导约访",
    BookingKind.DEPARTMENT_REQUESTED: "部门提请",
    BookingKind.BY_PROXY: "代理人预约",
}


class BookingState(StrEnum):
    """Where a booking stands (domain.md 1.2, step 3)."""

    SUBMITTED = "submitted"
    REVIEWING = "reviewing"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    FULFILLED = "fulfilled"
    MISSED = "missed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    REDIRECTED = "redirected"


BOOKING_STATE_NAMES = names("booking", BookingState)

_B = BookingState
TRANSITIONS: Mapping[BookingState, frozenset[BookingState]] = {
    _B.SUBMITTED: frozenset({_B.REVIEWING, _B.APPROVED, _B.REJECTED, _B.REDIRECTED, _B.CANCELLED}),
    _B.REVIEWING: frozenset({_B.APPROVED, _B.REJECTED, _B.REDIRECTED, _B.CANCELLED}),
    _B.APPROVED: frozenset({_B.SCHEDULED, _B.REDIRECTED, _B.CANCELLED}),
    _B.SCHEDULED: frozenset({_B.FULFILLED, _B.MISSED, _B.CANCELLED}),
    _B.FULFILLED: frozenset(),
    _B.MISSED: frozenset(),
    _B.CANCELLED: frozenset(),
    _B.REJECTED: frozenset(),
    _B.REDIRECTED: frozenset(),
}
# A slot is taken by a booking in one of these states; the partial unique index says the same.
HOLDING = frozenset({_B.SUBMITTED, _B.REVIEWING, _B.APPROVED, _B.SCHEDULED, _B.FULFILLED, _B.MISSED})
# Nobody decided yet whether and where it is held.
PENDING = frozenset({_B.SUBMITTED, _B.REVIEWING, _B.APPROVED})
_HOLDING_SQL = text("state IN ('submitted', 'reviewing', 'approved', 'scheduled', 'fulfilled', 'missed')")


class Booking(Base):
    """A slot taken for a petition case."""

    __tablename__ = "bookings"
    __table_args__ = (
        Index(
            "ix_bookings_one_per_slot",
            "slot_id",
            unique=True,
            sqlite_where=_HOLDING_SQL,
            postgresql_where=_HOLDING_SQL,
        ),
        Index("ix_bookings_state", "state"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    slot_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("slots.id"))
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    kind: Mapped[BookingKind]
    state: Mapped[BookingState]
    note: Mapped[str] = mapped_column(String(2000), default="")
    reason: Mapped[str | None] = mapped_column(String(2000), default=None)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    # The last day on which somebody must have reviewed it.
    review_due_on: Mapped[date | None] = mapped_column(default=None)
    reviewer_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("officials.id"), default=None
    )
    reviewed_at: Mapped[datetime | None] = mapped_column(default=None)
    redirected_to_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), default=None
    )
    # The citizen wants the upper level to sit there too: a joint reception, not a refusal.
    insists: Mapped[bool] = mapped_column(default=False)
    proxy_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"), default=None)
    slot: Mapped[Slot] = relationship(lazy="joined")
    petition: Mapped[PetitionCase] = relationship(lazy="joined")
    reviewer: Mapped[Official | None] = relationship(lazy="joined", foreign_keys=[reviewer_id])
    redirected_to: Mapped[Organisation | None] = relationship(lazy="joined")
    proxy: Mapped[Person | None] = relationship(lazy="joined")
