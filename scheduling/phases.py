"""The phases of a reception by its type, and who speaks in each; the data is phases.json beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cases.roles import InvitationRole
from scheduling.session import SessionKind

SINGLE, JOINT = "single", "joint"
# Who conducts, who writes the minutes and who lends a voice are needed in every phase.
ALWAYS = frozenset({"host", "recorder", "interpreter"})
FILE = Path(__file__).with_name("phases.json")


@dataclass(frozen=True)
class Phase:
    """One part of a reception: a stable code, its title in Chinese, the roles whose microphone is open."""

    code: str
    title: str
    speaks: frozenset[str]

    def lets_speak(self, role: str) -> bool:
        """May somebody of this role speak in it?"""
        return role in self.speaks


def kind_of(joint_organisations: int, kind: SessionKind = SessionKind.RECEPTION) -> str:
    """The type of a session: what for, and a reception with other offices or without."""
    if kind is not SessionKind.RECEPTION:
        return str(kind)
    return JOINT if joint_organisations else SINGLE


def read_phases(text: str) -> Mapping[str, tuple[Phase, ...]]:
    """Type of session to its phases in order. Raises ValueError for strange or double data."""
    found: dict[str, tuple[Phase, ...]] = {}
    for kind, rows in json.loads(text).items():
        phases = tuple(_phase(row) for row in rows)
        if len({phase.code for phase in phases}) != len(phases):
            raise ValueError(f"phases of {kind}: a code stands twice")
        found[kind] = phases
    if not {SINGLE, JOINT, *map(str, set(SessionKind) - {SessionKind.RECEPTION})} <= found.keys():
        raise ValueError("phases: a type of session is missing")
    return found


def _phase(row: dict[str, object]) -> Phase:
    if row.keys() != {"code", "title", "speaks"} or not isinstance(row["speaks"], list):
        raise ValueError(f"phases: {row} is not a phase")
    speaks = frozenset(map(str, row["speaks"]))
    if strange := speaks - {str(role) for role in InvitationRole}:
        raise ValueError(f"phases: no such role: {sorted(strange)}")
    return Phase(str(row["code"]), str(row["title"]), speaks | ALWAYS)


PHASES = read_phases(FILE.read_text("utf-8"))
