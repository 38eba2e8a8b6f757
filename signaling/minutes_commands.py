"""Commands about the minutes, listed by their `type` in COMMANDS; one grammar with signaling/commands.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scheduling.minutes.text import STORED_LIMIT
from signaling.commands import Command, limited

MinutesAct = Literal["insert", "edit", "describe", "move", "remove"]
MinutesStep = Literal["drafting", "read_back", "signing"]
Paragraph = Literal["heading", "question", "answer", "statement", "note"]


@dataclass(frozen=True, kw_only=True)
class FetchMinutes(Command):
    """Ask for the whole sheet; it comes as the push `minutes`."""


@dataclass(frozen=True, kw_only=True)
class BeginMinutes(Command):
    """Begin the minutes from a template; empty: the usual one."""

    template: str = limited(32, minimum=0)


@dataclass(frozen=True, kw_only=True)
class ChangeMinutes(Command):
    """One change of one paragraph; fields that `act` does not need are empty or null."""

    edit_id: str = limited(32)
    act: MinutesAct
    paragraph_id: str = limited(32)
    base: int | None
    after_id: str | None
    kind: Paragraph | None
    speaker_id: str | None
    text: str = limited(STORED_LIMIT, "too_long", minimum=0)
    ago_ms: int


@dataclass(frozen=True, kw_only=True)
class MoveMinutes(Command):
    """Have the sheet read back or signed, or go on writing; it is locked by the host's signature alone."""

    state: MinutesStep


@dataclass(frozen=True, kw_only=True)
class ShowMinutes(Command):
    """Let the petitioner's side read along, or no longer."""

    shown: bool


@dataclass(frozen=True, kw_only=True)
class LetWrite(Command):
    """Let a joint receptionist or department write along, or no longer."""

    speaker_id: str = limited(64)
    allowed: bool


COMMANDS: dict[str, type[Command]] = {
    "minutes.fetch": FetchMinutes,
    "minutes.begin": BeginMinutes,
    "minutes.change": ChangeMinutes,
    "minutes.move": MoveMinutes,
    "minutes.show": ShowMinutes,
    "minutes.let_write": LetWrite,
}
