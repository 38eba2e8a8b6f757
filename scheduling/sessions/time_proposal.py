"""改时间: an office that is asked to a joint reception says when else it could come. The row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.vocabulary import names
from scheduling.proposals import LIVE as LIVE
from scheduling.proposals import SIDE_OF as SIDE_OF
from scheduling.proposals import TRANSITIONS as TRANSITIONS
from scheduling.proposals import ProposalState as ProposalState
from scheduling.proposals import Side as Side
from scheduling.session import Session

_LIVE = text("state IN ('open', 'asked_anew')")


PROPOSAL_STATE_NAMES: Mapping[ProposalState, str] = names("time_proposal", ProposalState)


class TimeProposal(Base):
    """One other time for a session, from `starts_at` until before `ends_at`.

    `revision` is that of the session when it was made: once the session was moved it is about a time that no
    longer stands, and nobody can accept it any more. One is live for each office and revision.
    """

    __tablename__ = "time_proposals"
    __table_args__ = (
        Index(
            "ix_time_proposals_one_open", "session_id", "organisation_id", "revision", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    revision: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(800))
    state: Mapped[ProposalState]
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(256))
    answer: Mapped[str] = mapped_column(String(800), default="")
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by: Mapped[str] = mapped_column(String(256), default="")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    session: Mapped[Session] = relationship(lazy="joined")
