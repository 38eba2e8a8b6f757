"""The rows of a mediation: its parties, what they said to it, its sittings, and the table of its states.

People's Mediation Law of 2010: parties choose whether and by whom they are mediated and may end it at any
time (Art. 17, 23); nothing happens without the consent of both sides. History only grows.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.mediation.place import CommunityPlace
from cases.mediation.third_party import ThirdParty
from cases.organisations import Organisation
from cases.policy import Scope
from cases.step_table import StepTable
from cases.vocabulary import names

WORDS_LIMIT = 1000
NUMBER_PREFIX = "TJ"
MOST_PARTIES = 12


class MediationState(StrEnum):
    """How far a mediation has come."""

    RECEIVED = "received"
    CONSENTED = "consented"
    MEDIATING = "mediating"
    AGREED = "agreed"
    CONFIRMED = "confirmed"
    PERFORMED = "performed"
    BREACHED = "breached"
    ENDED = "ended"
    TURNED = "turned"


class MediationStep(StrEnum):
    """What happens to a mediation."""

    CONSENT = "consent"
    REFUSE = "refuse"
    SIT = "sit"
    AGREE = "agree"
    FOLLOW = "follow"
    CONFIRM = "confirm"
    PERFORM = "perform"
    BREACH = "breach"
    END = "end"
    TURN = "turn"
    MEDIATOR = "mediator"  # A note of who mediates from now on; it moves nothing.
    VIDEO = "video"  # A note of what happened to a sitting by video; it moves nothing.
    REMIND = "remind"  # A note that the parties were told how long the court can be asked; it moves nothing.


class Side(StrEnum):
    """On which side a party stands."""

    APPLICANT = "applicant"
    RESPONDENT = "respondent"


class ConsentWay(StrEnum):
    """How a party said that it consents, or does not."""

    SPOKEN = "spoken"
    SIGNED = "signed"
    ONLINE = "online"


MEDIATION_STATE_NAMES = names("mediation", MediationState)
MEDIATION_STEP_NAMES = names("mediation_step", MediationStep)
SIDE_NAMES = names("mediation_side", Side)
CONSENT_WAY_NAMES = names("consent_way", ConsentWay)

S, T = MediationState, MediationStep
TRANSITIONS = StepTable(
    {
        (S.RECEIVED, T.CONSENT): S.CONSENTED,
        (S.RECEIVED, T.END): S.ENDED,
        (S.CONSENTED, T.REFUSE): S.RECEIVED,
        (S.CONSENTED, T.SIT): S.MEDIATING,
        (S.CONSENTED, T.END): S.ENDED,
        (S.MEDIATING, T.REFUSE): S.RECEIVED,
        (S.MEDIATING, T.SIT): S.MEDIATING,
        (S.MEDIATING, T.AGREE): S.AGREED,
        (S.MEDIATING, T.END): S.ENDED,
        (S.AGREED, T.FOLLOW): S.AGREED,
        (S.AGREED, T.CONFIRM): S.CONFIRMED,
        (S.AGREED, T.PERFORM): S.PERFORMED,
        (S.AGREED, T.BREACH): S.BREACHED,
        (S.CONFIRMED, T.FOLLOW): S.CONFIRMED,
        (S.CONFIRMED, T.PERFORM): S.PERFORMED,
        (S.CONFIRMED, T.BREACH): S.BREACHED,
        (S.ENDED, T.TURN): S.TURNED,
        (S.BREACHED, T.TURN): S.TURNED,
    },
    "这个调解事项现在不能进行这一步，请刷新页面再看。",
)
# Those a clerk takes with words alone; the others have a form of their own.
IN_WORDS = frozenset({T.FOLLOW, T.CONFIRM, T.PERFORM, T.BREACH, T.END})
# What is noted of a mediation without moving it.
NOTES = frozenset({T.MEDIATOR, T.VIDEO, T.REMIND})
OPEN = frozenset({S.RECEIVED, S.CONSENTED, S.MEDIATING})
# What a clerk notes; the other way is the party's own.
TYPED_WAYS = frozenset({ConsentWay.SPOKEN, ConsentWay.SIGNED})
# What both sides have consented to sit for.
SITTING = frozenset({S.CONSENTED, S.MEDIATING})
BINDING = frozenset({S.AGREED, S.CONFIRMED})


class Mediation(Base):
    """One mediation. `petition_id`: the case it belongs to, or became."""

    __tablename__ = "mediations"
    __table_args__ = (Index("ix_mediations_office_state", "organisation_id", "state"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    petition_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), index=True, default=None
    )
    mediator_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("third_parties.id"), default=None
    )
    subject: Mapped[str] = mapped_column(String(400))
    facts: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    state: Mapped[MediationState]
    step_count: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    mediator: Mapped[ThirdParty | None] = relationship(lazy="joined")
    parties: Mapped[list[MediationParty]] = relationship(lazy="selectin", order_by="MediationParty.number")


class MediationParty(Base):
    """One party, with no more than an agreement needs to name it."""

    __tablename__ = "mediation_parties"
    __table_args__ = (Index("uq_mediation_parties_number", "mediation_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    mediation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediations.id"))
    number: Mapped[int]
    side: Mapped[Side]
    name: Mapped[str] = mapped_column(String(256))
    phone: Mapped[str | None] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(800))


@append_only
class MediationConsent(Base):
    """What one party said: that it consents, or that it does not (any more). The newest counts."""

    __tablename__ = "mediation_consents"
    __table_args__ = (Index("uq_mediation_consents_number", "party_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    party_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediation_parties.id"))
    number: Mapped[int]
    given: Mapped[bool]
    way: Mapped[ConsentWay]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(256))


@append_only
class MediationSitting(Base):
    """One sitting: at a place, or by video (`session_id`)."""

    __tablename__ = "mediation_sittings"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    mediation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediations.id"), index=True)
    place_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("community_places.id"))
    session_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), unique=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[CommunityPlace | None] = relationship(lazy="joined")


@append_only
class MediationEvent(Base):
    """One line of the history: the step, and the state it led to."""

    __tablename__ = "mediation_events"
    __table_args__ = (Index("uq_mediation_events_number", "mediation_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    mediation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediations.id"))
    number: Mapped[int]
    step: Mapped[MediationStep | None]
    state: Mapped[MediationState]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


class MediationCounter(Base):
    """The last number given in a year."""

    __tablename__ = "mediation_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


def scope_of_mediation(mediation: Mediation) -> Scope:
    """Who keeps it, and the office right above: privacy of parties goes before tiers (Art. 15)."""
    own = frozenset({mediation.organisation_id})
    above = frozenset({mediation.organisation.parent_id} if mediation.organisation.parent_id else ())
    return Scope(
        region_codes=frozenset({mediation.organisation.region_code}),
        organisation_ids=own | above,
        owner_organisation_ids=own,
    )
