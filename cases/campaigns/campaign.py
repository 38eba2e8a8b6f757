"""The rows of a campaign: its targets by rank, the matters in it, and what is done about each.

领导包案: one matter, one leader, one plan, one day by which it is done, and four duties (national opinion of
2009 on regular receptions by leaders: 包掌握情况、包思想教育、包解决化解、包息诉息访).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.step_table import StepTable
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
    PROPOSED = "proposed"
    SENT_BACK = "sent_back"
    STRUCK_OFF = "struck_off"
    TAKEN_UP_AGAIN = "taken_up_again"


class MatterState(StrEnum):
    """Where a matter of a campaign stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    STRUCK_OFF = "struck_off"


CAMPAIGN_KIND_NAMES = names("campaign", CampaignKind)
RANK_NAMES = names("rank", Rank)
FOUR_DUTY_NAMES = names("four_duty", FourDuty)
CAMPAIGN_STEP_NAMES = names("campaign_step", CampaignStepKind)
MATTER_STATE_NAMES = names("campaign_matter", MatterState)

S, K = MatterState, CampaignStepKind
TRANSITIONS = StepTable(
    {
        (S.OPEN, K.PROGRESS): S.OPEN,
        (S.OPEN, K.DUTY): S.OPEN,
        (S.OPEN, K.SESSION): S.OPEN,
        (S.OPEN, K.PROPOSED): S.PROPOSED,
        (S.PROPOSED, K.SENT_BACK): S.OPEN,
        (S.PROPOSED, K.STRUCK_OFF): S.STRUCK_OFF,
        (S.STRUCK_OFF, K.TAKEN_UP_AGAIN): S.OPEN,
    },
    "这件事现在不能进行这一步，请刷新页面再看。",
)
# For somebody who neither proposed it nor leads it.
BY_ANOTHER = frozenset({K.SENT_BACK, K.STRUCK_OFF})


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
    """A petition case in a campaign.

    `leader_id`: the account of who leads it, if there is one; `organisation_id`: for whose target it counts;
    `resolved_on`: the day it was struck off, by evidence in its steps; `task_id`: the task that reminds.
    """

    __tablename__ = "campaign_matters"
    __table_args__ = (
        UniqueConstraint("campaign_id", "petition_id"),
        Index("ix_campaign_matters_entered_on", "entered_on"),
        Index("ix_campaign_matters_state_due", "campaign_id", "state", "due_on"),
        Index("ix_campaign_matters_state", "state", "due_on", "id"),
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
    state: Mapped[MatterState] = mapped_column(default=MatterState.OPEN)
    leader_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("officials.id"), index=True, default=None
    )
    organisation_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), default=None
    )
    task_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), default=None)
    campaign: Mapped[Campaign] = relationship(lazy="joined")
    petition: Mapped[PetitionCase] = relationship(lazy="joined")
    organisation: Mapped[Organisation | None] = relationship(lazy="joined")

    def is_late(self, today: date) -> bool:
        """Its day has passed and it is not struck off."""
        return self.state is not MatterState.STRUCK_OFF and self.due_on is not None and today > self.due_on


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


@append_only
class CampaignEvidence(Base):
    """By what a matter is to be struck off: a paper of the case, or a file. `content` is the file itself."""

    __tablename__ = "campaign_evidence"

    step_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaign_steps.id"), primary_key=True)
    document_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("documents.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    file_type: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
