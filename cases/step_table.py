"""Tables of steps: `(state, step)` leads to a state, and what stands in no row is refused.

For what moves by named steps of people (a mediation, a matter of a campaign, a supervision order). Where only
the states count, scheduling/transitions.py has the table of states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from cases.errors import Conflict

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)


@dataclass(frozen=True)
class StepTable(Generic[State, Step]):
    """`moves`: the only place that permits a step; `refusal`: what people are told, under `code`."""

    moves: Mapping[tuple[State, Step], State]
    refusal: str
    code: str = "bad_transition"

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves", MappingProxyType(dict(self.moves)))

    def after(self, state: State, step: Step) -> State:
        """The state that the step leads to. Raises Conflict of the table's own code where there is none."""
        found = self.moves.get((state, step))
        if found is None:
            raise self.conflict()
        return found

    def permits(self, state: State, step: Step) -> bool:
        """Is there such a step?"""
        return (state, step) in self.moves

    def conflict(self) -> Conflict:
        """What is raised; also for a step that nobody ever heard of."""
        return Conflict(self.code, self.refusal)
