"""Human tasks told from a room: written behind, so that nothing in the room waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.incident import Cause
from scheduling.incidents import Occurrence, end_incident, raise_incident

if TYPE_CHECKING:
    from signaling.live import LiveRoom


def tell(live: LiveRoom, cause: Cause, subject: str = "", name: str = "", words: str = "") -> None:
    """Raise a task soon; nothing happens while it is open. `subject`: a participant or recording id."""
    occurrence = Occurrence(live.room.sitting.id, cause, subject, name, words)
    live.backlog.add("incident.raised", lambda db: raise_incident(db, live.clock, occurrence))


def untell(live: LiveRoom, cause: Cause, subject: str = "", words: str = "") -> None:
    """The cause went away: end the task soon; nothing happens when none is open."""
    session_id = live.room.sitting.id
    live.backlog.add(
        "incident.ended", lambda db: end_incident(db, live.clock, session_id, cause, subject, words)
    )
