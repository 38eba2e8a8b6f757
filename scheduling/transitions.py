"""State tables: `TRANSITIONS[state]` is the only place that permits a move."""

from __future__ import annotations

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TypeVar

from cases.errors import Conflict

State = TypeVar("State", bound=StrEnum)
Table = Mapping[State, Set[State]]


def require_transition(table: Table[State], old: State, new: State, message: str) -> None:
    """Return if the table permits the move. Raises Conflict `bad_transition` with `message`."""
    if new not in table[old]:
        raise Conflict("bad_transition", message)


def reachable_from(table: Table[State], start: State) -> set[State]:
    """Return every state that can be reached from `start`, itself included."""
    seen, waiting = {start}, [start]
    while waiting:
        fresh = set(table[waiting.pop()]) - seen
        seen |= fresh
        waiting += fresh
    return seen
