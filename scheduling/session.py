"""The rows of a session, its states, and the table of permitted moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict
from cases.mediation.matter import Mediation
from cases.organisations import Organisation
from cases.policy import Action
from cases.vocabulary import names


class SessionState(StrEnum):
    """Where a session stands (domain.md 3.6)."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    NOTIFIED = "notified"
    CHECKED_IN = "checked_in"
    WAITING = "waiting"
    CALLED = "called"
    LIVE = "live"
    PAUSED = "paused"
    MINUTES_CONFIRMING = "minutes_confirming"
    SIGNED = "signed"
    CLOSED = "closed"
    ARCHIVED = "archived"
    REJECTED = "rejected"
    REDIRECTED = "redirected"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    RESCHEDULED = "rescheduled"
    TECHNICAL_FAILED = "technical_failed"


SESSION_STATE_NAMES: Mapping[SessionState, str] = names("session", SessionState)


class SessionKind(StrEnum):
    """What the parties come together for; it chooses phases and the template of the minutes."""

    RECEPTION = "reception"
    MEDIATION = "mediation"
    FOLLOW_UP = "follow_up"


SESSION_KIND_NAMES: Mapping[SessionKind, str] = {
    SessionKind.RECEPTION: "接访",
    SessionKind.MEDIATION: "调解",
    SessionKind.FOLLOW_UP: "回访",
}

_S = SessionState
_NOT_HELD = {_S.CANCELLED, _S.RESCHEDULED, _S.NO_SHOW, _S.TECHNICAL_FAILED}
# Steps before the sitting may be skipped forward: a notice given by telephone leaves no trace here.
TRANSITIONS: Mapping[SessionState, frozenset[SessionState]] = {
    _S.REQUESTED: frozenset({_S.APPROVED, _S.REJECTED, _S.REDIRECTED, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.SCHEDULED, _S.CANCELLED}),
    _S.SCHEDULED: frozenset({_S.NOTIFIED, _S.CHECKED_IN, _S.WAITING, _S.CALLED, _S.LIVE} | _NOT_HELD),
    _S.NOTIFIED: frozenset({_S.CHECKED_IN, _S.WAITING, _S.CALLED, _S.LIVE} | _NOT_HELD),
    _S.CHECKED_IN: frozenset({_S.WAITING, _S.CALLED, _S.LIVE} | _NOT_HELD),
    _S.WAITING: frozenset({_S.CALLED, _S.LIVE} | _NOT_HELD),
    _S.CALLED: frozenset({_S.WAITING, _S.LIVE} | _NOT_HELD),
    _S.LIVE: frozenset({_S.PAUSED, _S.MINUTES_CONFIRMING, _S.CLOSED, _S.TECHNICAL_FAILED}),
    _S.PAUSED: frozenset({_S.LIVE, _S.MINUTES_CONFIRMING, _S.CLOSED, _S.TECHNICAL_FAILED}),
    _S.MINUTES_CONFIRMING: frozenset({_S.LIVE, _S.SIGNED, _S.CLOSED, _S.TECHNICAL_FAILED}),
    _S.SIGNED: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset({_S.ARCHIVED}),
    _S.NO_SHOW: frozenset({_S.RESCHEDULED, _S.CLOSED}),
    _S.TECHNICAL_FAILED: frozenset({_S.RESCHEDULED, _S.CLOSED}),
    _S.ARCHIVED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.REDIRECTED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.RESCHEDULED: frozenset(),
}
FIRST = _S.REQUESTED
# Nobody enters any more.
OVER = frozenset(
    {_S.CLOSED, _S.ARCHIVED, _S.REJECTED, _S.REDIRECTED, _S.CANCELLED, _S.NO_SHOW, _S.RESCHEDULED}
    | {_S.TECHNICAL_FAILED}
)
# Who may bring a session into a state: the host conducts, the office arranges.
_CONDUCTED = {
    _S.CHECKED_IN,
    _S.WAITING,
    _S.CALLED,
    _S.LIVE,
    _S.PAUSED,
    _S.MINUTES_CONFIRMING,
    _S.SIGNED,
    _S.CLOSED,
}
_CONDUCTED |= {_S.NO_SHOW, _S.TECHNICAL_FAILED}
ACTION_FOR: Mapping[SessionState, Action] = {
    state: Action.HOST if state in _CONDUCTED else Action.MANAGE_SESSION for state in SessionState
}


class SessionPart(StrEnum):
    """As what an organisation sits in a session."""

    HOST = "host"
    JOINT = "joint"


class SessionOrganisation(Base):
    """One organisation of a session: one host, any number of joint ones of any tier."""

    __tablename__ = "session_organisations"

    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), primary_key=True, index=True
    )
    part: Mapped[SessionPart]
    organisation: Mapped[Organisation] = relationship(lazy="joined")


ONE_MATTER = "(petition_id IS NULL) <> (mediation_id IS NULL)"
UNRECORDED = "mediation_id IS NULL OR NOT record"


class Session(Base):
    """One sitting on one case, or of one mediation that belongs to no case; such a one is never recorded.

    `opened_at` is when it first went live; times are aware UTC.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint(ONE_MATTER, name="ck_sessions_one_matter"),
        Index("ix_sessions_host_starts_at", "host_organisation_id", "starts_at"),
        CheckConstraint(UNRECORDED, name="ck_sessions_mediation_unrecorded"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), index=True, default=None
    )
    mediation_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("mediations.id"), index=True, default=None
    )
    booking_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("bookings.id"), unique=True)
    title: Mapped[str] = mapped_column(String(400))
    host_organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    kind: Mapped[SessionKind] = mapped_column(default=SessionKind.RECEPTION)
    state: Mapped[SessionState]
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    record: Mapped[bool] = mapped_column(default=True)
    id_number_needed: Mapped[bool] = mapped_column(default=False)
    event_count: Mapped[int] = mapped_column(default=0)
    # Counts moves and the calling off: SEQUENCE of the calendar entry (RFC 5545, 3.8.7.4).
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    petition: Mapped[PetitionCase | None] = relationship(lazy="joined")
    # Asked for only where there is one: no question to the database for sessions on cases.
    mediation: Mapped[Mediation | None] = relationship(lazy="selectin")
    host: Mapped[Organisation] = relationship(lazy="joined")
    organisations: Mapped[list[SessionOrganisation]] = relationship(lazy="selectin")

    @property
    def case(self) -> PetitionCase:
        """Its petition case. Raises Conflict `no_petition` of a mediation that belongs to none."""
        if self.petition is None:
            raise Conflict("no_petition", "这场调解没有信访件，不能这样办理。")
        return self.petition

    @property
    def number(self) -> str:
        """The number of its case, or of its mediation."""
        if self.mediation is not None:
            return self.mediation.number
        return self.case.number
