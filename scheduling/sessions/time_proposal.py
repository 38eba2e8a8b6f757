"""改时间: an office that is asked to a joint reception says when else it could come. The row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base
from cases.vocabulary import names
from scheduling.proposals import ONLY_LIVE, Proposal, ProposalState
from scheduling.session import Session


class TimeProposal(Proposal, Base):
    """One other time for a session, from `starts_at` until before `ends_at`.

    `revision` is that of the session when it was made: once the session was moved it is about a time that no
    longer stands, and nobody can accept it any more. One is live for each office and revision.
    """

    __tablename__ = "time_proposals"
    __table_args__ = (
        Index(
            "ix_time_proposals_one_open", "session_id", "organisation_id", "revision", unique=True,
            sqlite_where=ONLY_LIVE, postgresql_where=ONLY_LIVE,
        ),
    )  # fmt: skip
    STATE_NAMES = names("time_proposal", ProposalState)

    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    revision: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    session: Mapped[Session] = relationship(lazy="joined")
