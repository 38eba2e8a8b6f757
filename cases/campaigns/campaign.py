"""The rows of a campaign: its targets by rank, the matters in it, and what is done about each.

领导包案: one matter, one leader, one plan, one day by which it is done, and four duties (national opinion of
2009 on regular receptions by leaders: 包掌握情况、包思想教育、包解决化解、包息诉息访).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.vocabulary import names

NAME_LIMIT, WORDS_LIMIT = 64, 1000


class CampaignKind(StrEnum):
    """Leaders take charge of matters, or disputes are surveyed and settled one by one."""

    LEADERS = "leaders"
    SURVEY = "survey"


class Rank(StrEnum):
    """Of whom a matter is taken in charge: the ranks of 十百千."""

    CITY = "city"
    COUNTY = "county"
    SECTION = "section"


class FourDuty(StrEnum):
    """The four duties of who takes charge (四包)."""

    SITUATION = "situation"
    EDUCATION = "education"
    RESOLUTION = "resolution"
    CALM = "calm"


class CampaignStepKind(StrEnum):
    """What was noted on a matter of a campaign."""

    ENTERED = "entered"
    PROGRESS = "progress"
    DUTY = "duty"
    SESSION = "session"
    STRUCK_OFF = "struck_off"
    TAKEN_UP_AGAIN = "taken_up_again"


CAMPAIGN_KIND_NAMES = names("campaign", CampaignKind)
RANK_NAMES = names("rank", Rank)
FOUR_DUTY_NAMES = names("four_duty", FourDuty)
CAMPAIGN_STEP_NAMES = names("campaign_step", CampaignStepKind)


class Campaign(Base):
    """A campaign of one office for its region; days are civil dates of Beijing."""

    __tablename__ = "campaigns"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    kind: Mapped[CampaignKind]
    name: Mapped[str] = mapped_column(String(NAME_LIMIT * 4))
    begins_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime]
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class CampaignTarget(Base):
    """How many matters a rank takes in charge, all of its people together."""

    __tablename__ = "campaign_targets"

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"), primary_key=True)
    rank: Mapped[Rank] = mapped_column(primary_key=True)
    matters: Mapped[int]


class CampaignMatter(Base):
    """A petition case in a campaign. `resolved_on`: the day it was struck off, by evidence in its steps."""

    __tablename__ = "campaign_matters"
    __table_args__ = (
        UniqueConstraint("campaign_id", "petition_id"),
        Index("ix_campaign_matters_entered_on", "entered_on"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"))
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    rank: Mapped[Rank | None]
    leader: Mapped[str] = mapped_column(String(NAME_LIMIT * 4))
    plan: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    due_on: Mapped[date | None] = mapped_column(Date)
    entered_on: Mapped[date] = mapped_column(Date)
    resolved_on: Mapped[date | None] = mapped_column(Date, default=None)
    step_count: Mapped[int] = mapped_column(default=0)
    campaign: Mapped[Campaign] = relationship(lazy="joined")
    petition: Mapped[PetitionCase] = relationship(lazy="joined")


@append_only
class CampaignStep(Base):
    """One line on a matter of a campaign. `data_id`: the session, or the duty, it is about."""

    __tablename__ = "campaign_steps"
    __table_args__ = (Index("uq_campaign_steps_number", "matter_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    matter_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaign_matters.id"))
    number: Mapped[int]
    kind: Mapped[CampaignStepKind]
    about: Mapped[str] = mapped_column(String(ID_LENGTH))
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
