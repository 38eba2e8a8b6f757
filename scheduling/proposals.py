"""Proposal (改时间): an office says when else it could come; states, columns and steps, whatever it is about.

It is about a sitting (sessions/time_proposal.py) or a booking (booking/slot_proposal.py): those rows say of
which, what other time it is, and whether the time it was made against still stands.
Which of the two sides takes which step is part of the table: nobody accepts what he proposed himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from cases.database import ID_LENGTH, new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean_text
from cases.organisations import Organisation
from scheduling.transitions import require_transition

MAX_WORDS = 200  # characters of a reason or an answer


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    ASKED_ANEW = "asked_anew"
    ACCEPTED = "accepted"
    REPLACED = "replaced"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"


class Side(StrEnum):
    """Whose move it is: of who decides about the time, or of the office that proposed another one."""

    DECIDER = "decider"
    PROPOSER = "proposer"


_P = ProposalState
TRANSITIONS: Mapping[ProposalState, frozenset[ProposalState]] = {
    _P.OPEN: frozenset({_P.ACCEPTED, _P.ASKED_ANEW, _P.AGREED, _P.WITHDRAWN}),
    # Asked anew, the office names another time, comes at the time as it stands, or lets it be.
    _P.ASKED_ANEW: frozenset({_P.REPLACED, _P.AGREED, _P.WITHDRAWN}),
    _P.ACCEPTED: frozenset(),
    _P.REPLACED: frozenset(),
    _P.AGREED: frozenset(),
    _P.WITHDRAWN: frozenset(),
}
LIVE = frozenset({_P.OPEN, _P.ASKED_ANEW})
SIDE_OF: Mapping[ProposalState, Side] = {
    _P.ACCEPTED: Side.DECIDER,
    _P.ASKED_ANEW: Side.DECIDER,
    _P.REPLACED: Side.PROPOSER,
    _P.AGREED: Side.PROPOSER,
    _P.WITHDRAWN: Side.PROPOSER,
}
# For the index that lets an office have one live proposal about one time.
ONLY_LIVE = text("state IN ('open', 'asked_anew')")


class Proposal:
    """Columns and steps of every proposal: who proposed it and why, and what was answered by whom."""

    STATE_NAMES: ClassVar[Mapping[ProposalState, str]]

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    reason: Mapped[str] = mapped_column(String(MAX_WORDS * 4))
    state: Mapped[ProposalState]
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(256))
    answer: Mapped[str] = mapped_column(String(MAX_WORDS * 4), default="")
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by: Mapped[str] = mapped_column(String(256), default="")

    @declared_attr
    @classmethod
    def organisation(cls) -> Mapped[Organisation]:
        """The office that proposed it."""
        return relationship(lazy="joined")

    def move_to(self, state: ProposalState, at: datetime, by: str, words: str = "") -> None:
        """Take a step; Conflict ``bad_transition`` where the table does not permit it."""
        old, new = self.STATE_NAMES[self.state], self.STATE_NAMES[state]
        require_transition(TRANSITIONS, self.state, state, f"这个改时间的请求{old}，不能改为{new}。")
        self.state, self.answered_at, self.answered_by = state, at, by
        self.answer = words or self.answer

    def give_way(self, at: datetime, by: str) -> None:
        """The office names another time instead; Conflict ``already_proposed`` while this one waits."""
        if self.state is ProposalState.OPEN:
            raise Conflict("already_proposed", "你单位已经提过一个时间，对方还没有答复。")
        self.move_to(ProposalState.REPLACED, at, by)


def clean_reason(reason: str) -> str:
    """Why another time is proposed. Raises Invalid at ``reason`` when it is missing or too long."""
    cleaned = clean_text(reason, "reason", "原因", MAX_WORDS)
    if not cleaned:
        raise Invalid("required", "请写明为什么要改时间，对方会看到。", "reason")
    return cleaned


def clean_answer(state: ProposalState, words: str) -> str:
    """What goes with the step to `state`. Raises Invalid at ``words``: asking anew needs some."""
    cleaned = clean_text(words, "words", "说明", MAX_WORDS)
    if state is ProposalState.ASKED_ANEW and not cleaned:
        raise Invalid("required", "请写明这个时间为什么不行，什么时候可以。", "words")
    return cleaned
