"""Commands that somebody had no right to: refused in words, and one line in the audit for each kind.

A page shows only what works, so whoever sends such a command went round the page. The line says who, what
and where; more of the same from the same person says nothing new and is not written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cases.audit import record_audit
from cases.policy import Actor
from signaling.commands import Command
from signaling.protocol import COMMANDS

if TYPE_CHECKING:
    from signaling.live import LiveRoom

REFUSED = "command.refused"
_NAMES: Mapping[type[Command], str] = {kind: name for name, kind in COMMANDS.items()}


def note_refused(live: LiveRoom, actor: Actor, participant_id: str, command: Command) -> None:
    """Append the line soon; at most one for each participant and kind of command while the room lives."""
    name = _NAMES[type(command)]
    if (participant_id, name) in live.refused:
        return
    live.refused.add((participant_id, name))
    session_id, detail = live.room.sitting.id, {"command": name, "participant_id": participant_id}
    live.backlog.add(
        REFUSED,
        lambda db: record_audit(db, live.clock, actor, REFUSED, "session", session_id, "refused", detail),
    )
