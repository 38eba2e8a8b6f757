"""What a register keeps of a matter beside the case itself: who stands for how many, and how it came."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base, new_id
from cases.people import Person
from cases.vocabulary import names


class PartyKind(StrEnum):
    """As what a further person stands in a case (Art. 20 of the Regulations; proxies by written mandate)."""

    REPRESENTATIVE = "representative"
    PROXY = "proxy"


PARTY_NAMES = names("party", PartyKind)


class ReplyBy(StrEnum):
    """How the petitioner wants to be answered."""

    SMS = "sms"
    PHONE = "phone"
    LETTER = "letter"


REPLY_NAMES = names("reply", ReplyBy)


class PetitionIntake(Base):
    """How a case came in. `headcount` is how many people petition together, the petitioner among them.

    `source` and `external_id` name the same matter in the system or spreadsheet it came from; there is one
    case for each pair, however often it is handed over. `phone_confirmed_at`: when the petitioner typed the
    code that was sent to the number.
    """

    __tablename__ = "petition_intakes"
    __table_args__ = (UniqueConstraint("source", "external_id"),)

    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), primary_key=True)
    headcount: Mapped[int] = mapped_column(default=1)
    addressed_to: Mapped[str | None] = mapped_column(String(256), default=None)
    reply_by: Mapped[ReplyBy] = mapped_column(default=ReplyBy.PHONE)
    source: Mapped[str | None] = mapped_column(String(64), default=None)
    external_id: Mapped[str | None] = mapped_column(String(128), default=None)
    came_at: Mapped[datetime]
    phone_confirmed_at: Mapped[datetime | None] = mapped_column(default=None)


class PetitionParty(Base):
    """A representative or proxy beside the petitioner. `mandate` says what a proxy showed.

    `position`: in which order they were named, from 0; 0 for all who were entered before it was kept.
    """

    __tablename__ = "petition_parties"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    person_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("people.id"), index=True)
    kind: Mapped[PartyKind]
    position: Mapped[int] = mapped_column(default=0)
    mandate: Mapped[str | None] = mapped_column(String(800), default=None)
    person: Mapped[Person] = relationship(lazy="joined")
