"""How somebody waits: checking devices, ready, stepped away, away too long. The table of permitted moves.

"I have to go for a moment" keeps the place for ten minutes (experience.md C7). After that the place is at the
end (过号); the number stays. Coming back is one tap, before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cases.errors import RuleError
from signaling.queue import PLACE_KEPT

if TYPE_CHECKING:
    from signaling.live import LiveRoom
    from signaling.participant import Participant

LOST = "participant.place_lost"


class Waiting(StrEnum):
    """Where a waiting person stands."""

    CHECKING = "checking"
    READY = "ready"
    AWAY = "away"
    PLACE_LOST = "place_lost"


_W = Waiting
# Stepping away again while away is not a new ten minutes.
TRANSITIONS: Mapping[Waiting, frozenset[Waiting]] = {
    _W.CHECKING: frozenset({_W.READY, _W.AWAY}),
    _W.READY: frozenset({_W.READY, _W.AWAY}),
    _W.AWAY: frozenset({_W.READY, _W.CHECKING, _W.PLACE_LOST}),
    _W.PLACE_LOST: frozenset({_W.READY, _W.CHECKING}),
}


def waiting_of(person: Participant) -> Waiting:
    """The state, from what is kept of the person."""
    if person.away_since is not None:
        return Waiting.PLACE_LOST if person.place_lost else Waiting.AWAY
    return Waiting.READY if person.ready else Waiting.CHECKING


def require_waiting(person: Participant, new: Waiting) -> None:
    """Raises RuleError `bad_state` for a move that the table does not have."""
    if new not in TRANSITIONS[waiting_of(person)]:
        raise RuleError("bad_state", "现在不能进行这个操作")


async def let_pass(live: LiveRoom, now: datetime) -> None:
    """Who is away too long goes to the end, once; called every second with the room's lock held."""
    for person in live.room.in_lobby():
        if waiting_of(person) is not Waiting.AWAY or person.away_since is None:
            continue
        if now - person.away_since <= PLACE_KEPT:
            continue
        queued_at = live.room.place_last(person, now)
        seconds = PLACE_KEPT.total_seconds()
        await live.write(person, LOST, None, {"seconds": seconds}, queued_at=queued_at)
        person.queued_at, person.place_lost = queued_at, True
        live.changed()
