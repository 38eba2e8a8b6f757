"""States of 改时间: an office says when else it could come, for a sitting or for a booking that is asked for.

Which of the two sides takes which step is part of the table: nobody accepts what he proposed himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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
