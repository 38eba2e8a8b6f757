"""The row of an invitation: one person, one session, one role; and which party of a mediation it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation, Tier
from cases.people import Person
from cases.roles import InvitationRole


class Invitation(Base):
    """A named place in a session. `code` is public and stands in the path of the personal link."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "ix_invitations_one_per_official",
            "session_id",
            "official_id",
            unique=True,
            sqlite_where=text("official_id IS NOT NULL"),
            postgresql_where=text("official_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(16), unique=True)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    role: Mapped[InvitationRole]
    display_name: Mapped[str] = mapped_column(String(256))
    organisation_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    person_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"))
    tier: Mapped[Tier | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    consent_version: Mapped[str | None] = mapped_column(String(32), default=None)
    consent_digest: Mapped[str | None] = mapped_column(String(64), default=None)
    consented_at: Mapped[datetime | None] = mapped_column(default=None)
    identified_at: Mapped[datetime | None] = mapped_column(default=None)
    identified_how: Mapped[str | None] = mapped_column(String(32), default=None)
    identified_by: Mapped[str | None] = mapped_column(String(ID_LENGTH), default=None)
    id_number_checked_at: Mapped[datetime | None] = mapped_column(default=None)
    companions: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    consents: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
    person: Mapped[Person | None] = relationship(lazy="joined")


@append_only
class MediationInvitation(Base):
    """For which party of a mediation an invitation is."""

    __tablename__ = "mediation_invitations"

    invitation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("invitations.id"), primary_key=True
    )
    party_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediation_parties.id"), index=True)


@append_only
class ThirdPartyInvitation(Base):
    """Which person of the register an invitation is for."""

    __tablename__ = "third_party_invitations"

    invitation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("invitations.id"), primary_key=True
    )
    third_party_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("third_parties.id"), index=True)
    at: Mapped[datetime]
