"""How a sitting is conducted: layout, spotlight, phase, and who has the host's part. Pure; it is rebuilt
from the session's events, so that a restarted process goes on where the room was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from scheduling.phases import PHASES, SINGLE, Phase
from signaling.commands import Layout
from signaling.pushes import ConductView

LAYOUT_CHOSEN, PHASE_BEGUN, DEPUTY_NAMED = "layout.chosen", "phase.begun", "deputy.named"
HANDED_OVER, SUCCEEDED, TAKEN_BACK = "host.handed_over", "host.succeeded", "host.taken_back"
HOST, COLLEAGUE = "host", "joint_receptionist"


@dataclass
class Conduct:
    """`roles`: who has another role than the invitation says; `displaced`: the host who dropped and may
    take the part back from `acting`."""

    kind: str = SINGLE
    layout: Layout = "auto"
    spotlight: str | None = None
    phase: str | None = None
    deputy: str | None = None
    displaced: str | None = None
    acting: str | None = None
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What this type of session goes through."""
        return PHASES[self.kind]

    def find_phase(self, code: str) -> Phase | None:
        """One of them."""
        return next((phase for phase in self.phases if phase.code == code), None)

    def lets_speak(self, role: str) -> bool:
        """May this role speak now? Without a phase everybody may."""
        phase = self.find_phase(self.phase or "")
        return phase is None or phase.lets_speak(role)

    def hear(self, kind: str, data: Mapping[str, Any]) -> None:
        """Take an event of the session over, one that happens now or one that is read again."""
        take = _TAKERS.get(kind)
        if take is not None:
            take(self, data)

    def view(self) -> ConductView:
        """As everybody sees it."""
        return ConductView(self.layout, self.spotlight, self.phase, self.deputy, self.displaced)


def _layout(conduct: Conduct, data: Mapping[str, Any]) -> None:
    if data.get("layout") in get_args(Layout):
        conduct.layout, conduct.spotlight = data["layout"], data.get("spotlight") or None


def _phase(conduct: Conduct, data: Mapping[str, Any]) -> None:
    conduct.phase = data.get("phase") or None


def _deputy(conduct: Conduct, data: Mapping[str, Any]) -> None:
    conduct.deputy = data.get("to") or None


def _pass_on(conduct: Conduct, data: Mapping[str, Any]) -> None:
    if data.get("from"):
        conduct.roles[str(data["from"])] = COLLEAGUE
    conduct.roles[str(data.get("to"))] = HOST
    conduct.deputy = None if conduct.deputy == data.get("to") else conduct.deputy


def _handed_over(conduct: Conduct, data: Mapping[str, Any]) -> None:
    _pass_on(conduct, data)
    conduct.displaced = conduct.acting = None


def _succeeded(conduct: Conduct, data: Mapping[str, Any]) -> None:
    # The deputy may drop, too: then the first host still is the one who may take it back, or has it again.
    first = (conduct.displaced if conduct.acting == data.get("from") else None) or data.get("from")
    _pass_on(conduct, data)
    if first == data.get("to"):
        conduct.displaced = conduct.acting = None
    else:
        conduct.displaced, conduct.acting = first or None, data.get("to") or None


_TAKERS: Mapping[str, Callable[[Conduct, Mapping[str, Any]], None]] = {
    LAYOUT_CHOSEN: _layout,
    PHASE_BEGUN: _phase,
    DEPUTY_NAMED: _deputy,
    HANDED_OVER: _handed_over,
    SUCCEEDED: _succeeded,
    TAKEN_BACK: _handed_over,
}
KINDS = frozenset(_TAKERS)
