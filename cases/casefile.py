"""The rows of a petition case: the case, the organisations concerned, grants, and its history."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation, OrganisationKind
from cases.people import Person
from cases.policy import Scope
from cases.vocabulary import names


class Channel(StrEnum):
    """By which of the hall's channels a matter came in (domain.md section 6)."""

    LEADER_MAILBOX = "leader_mailbox"
    WEB = "web"
    PHONE = "phone"
    SMS = "sms"
    WECHAT = "wechat"
    VIDEO = "video"
    LETTER = "letter"
    VISIT = "visit"


CHANNEL_NAMES = {
    Channel.LEADER_MAILBOX: "领导信箱",
    Channel.WEB: "网上信访",
    Channel.PHONE: "电话信访",
    Channel.SMS: "短信信访",
    Channel.WECHAT: "微信信访",
    Channel.VIDEO: "视频接访",
    Channel.LETTER: "来信",
    Channel.VISIT: "来访",
}


class PetitionClass(StrEnum):
    """The three classes of Art. 29 to 31."""

    SUGGESTION = "suggestion"
    ACCUSATION = "accusation"
    CLAIM = "claim"


CLASS_NAMES = {
    PetitionClass.SUGGESTION: "建议意见",
    PetitionClass.ACCUSATION: "检举控告",
    PetitionClass.CLAIM: "申诉求决",
}


class PetitionState(StrEnum):
    """How far a case has come."""

    REGISTERED = "registered"
    CLASSIFIED = "classified"
    FORWARDED = "forwarded"
    ASSIGNED = "assigned"
    OBJECTED = "objected"
    RETURNED = "returned"
    ROUTED = "routed"
    REFUSED = "refused"
    NO_LONGER_ACCEPTED = "no_longer_accepted"
    NOTIFIED = "notified"
    ACCEPTED = "accepted"
    CONCLUDED = "concluded"
    REVIEW_REQUESTED = "review_requested"
    REVIEWED = "reviewed"
    RECHECK_REQUESTED = "recheck_requested"
    RECHECKED = "rechecked"
    TERMINATED = "terminated"
    CLOSED = "closed"


PETITION_STATE_NAMES = names("petition", PetitionState)


class Part(StrEnum):
    """Why an organisation is concerned with a case."""

    CUSTODIAN = "custodian"
    REGISTRAR = "registrar"
    JOINT = "joint"
    HANDLER = "handler"
    REVIEWER = "reviewer"


OWNING_PARTS = frozenset({Part.CUSTODIAN, Part.REGISTRAR})


class PetitionOrganisation(Base):
    """An organisation concerned with a case; being in this table is what lets its officials see it."""

    __tablename__ = "petition_organisations"

    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), primary_key=True, index=True
    )
    part: Mapped[Part] = mapped_column(primary_key=True)
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class PetitionGrant(Base):
    """Explicit leave for one official to see one case; the only way to a confidential one."""

    __tablename__ = "petition_grants"

    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), primary_key=True)
    official_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("officials.id"), primary_key=True, index=True
    )
    granted_at: Mapped[datetime]


class PetitionCase(Base):
    """One matter of one petitioner. `number` is like LZ2026-000123."""

    __tablename__ = "petitions"
    __table_args__ = (
        # The few that are in no figure (cases/figures/scope.py), so that nobody reads all to leave them out.
        Index(
            "ix_petitions_uncounted",
            "id",
            sqlite_where=text("confidential IS 1 OR accused_organisation_id IS NOT NULL"),
            postgresql_where=text("confidential IS true OR accused_organisation_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    channel: Mapped[Channel]
    subject: Mapped[str] = mapped_column(String(400))
    description: Mapped[str] = mapped_column(Text)
    class_: Mapped[PetitionClass] = mapped_column("class")
    state: Mapped[PetitionState]
    petitioner_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"), index=True)
    custodian_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"), index=True)
    accused_organisation_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), default=None
    )
    confidential: Mapped[bool] = mapped_column(default=False)
    query_code_hash: Mapped[str] = mapped_column(String(128))
    event_count: Mapped[int] = mapped_column(default=0)
    registered_at: Mapped[datetime] = mapped_column(index=True)
    # Codes of cases/handling/procedure.py; the responsible unit, and the days of acceptance and conclusion.
    way: Mapped[str | None] = mapped_column(String(32), default=None)
    conclusion: Mapped[str | None] = mapped_column(String(32), default=None)
    handler_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True, default=None
    )
    reviewer_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), default=None
    )
    accepted_on: Mapped[date | None] = mapped_column(Date, default=None)
    concluded_on: Mapped[date | None] = mapped_column(Date, index=True, default=None)
    petitioner: Mapped[Person] = relationship(lazy="joined")
    custodian: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=custodian_id)
    handler: Mapped[Organisation | None] = relationship(lazy="joined", foreign_keys=handler_id)
    reviewer: Mapped[Organisation | None] = relationship(lazy="joined", foreign_keys=reviewer_id)
    accused: Mapped[Organisation | None] = relationship(lazy="joined", foreign_keys=accused_organisation_id)
    organisations: Mapped[list[PetitionOrganisation]] = relationship(lazy="selectin")
    grants: Mapped[list[PetitionGrant]] = relationship(lazy="selectin")


@append_only
class PetitionEvent(Base):
    """One line of a case's history. `kind` is `noun.participle`."""

    __tablename__ = "petition_events"
    __table_args__ = (UniqueConstraint("petition_id", "sequence"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(256))
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    data: Mapped[dict[str, Any]]


class PetitionCounter(Base):
    """The last number given in a year."""

    __tablename__ = "petition_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


def scope_of(petition: PetitionCase) -> Scope:
    """Return what the policy needs to know of a case."""
    parts = petition.organisations
    return Scope(
        region_codes=frozenset(part.organisation.region_code for part in parts),
        organisation_ids=frozenset(part.organisation_id for part in parts),
        owner_organisation_ids=frozenset(p.organisation_id for p in parts if p.part in OWNING_PARTS),
        confidential=petition.confidential,
        accused_region_codes=_accused_regions(petition.accused),
        accused_organisation_ids=frozenset({petition.accused.id} if petition.accused else ()),
        granted_official_ids=frozenset(grant.official_id for grant in petition.grants),
    )


def _accused_regions(accused: Organisation | None) -> frozenset[str]:
    """An accused office answers for its region; an accused department only for itself."""
    if accused is None or accused.kind is OrganisationKind.DEPARTMENT:
        return frozenset()
    return frozenset({accused.region_code})
