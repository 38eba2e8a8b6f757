"""Human tasks told from a room: written behind, so that nothing in the room waits for them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, end_incident, list_incidents, raise_incident

if TYPE_CHECKING:
    from signaling.live import LiveRoom


async def look_out(live: LiveRoom, now: datetime) -> None:
    """Raise what has gone wrong for too long, end what is over. Called at every tick."""
    if live.troubles.told is None:
        async with live.database.session() as db:
            found = await list_incidents(db, live.room.sitting.id)
        live.troubles.remember((each.incident.cause, each.incident.subject) for each in found if each.open)
    if live.room.sitting.ended:
        return  # Whoever moved the session to its end has ended its tasks.
    fresh, over = live.troubles.look(live.room, now, live.seen)
    for trouble in fresh:
        tell(live, trouble.cause, trouble.subject, trouble.name, trouble.words)
    for (cause, subject), words in over:
        untell(live, cause, subject, words)


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
