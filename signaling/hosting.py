"""The host's part passed on: handed over, taken over when the host drops, taken back. Each is an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cases.policy import Actor, ActorKind
from scheduling.session_events import append_event
from signaling.conduct import HOST, SUCCEEDED
from signaling.pushes import RightsChanged
from signaling.speaking import apply_phase
from signaling.succession import missing_host, next_host

if TYPE_CHECKING:
    from signaling.live import LiveRoom
    from signaling.participant import Participant


def authority_of(person: Participant, actor: Actor) -> Actor:
    """By whose right a person does what the host's part permits; name and office stay their own.

    Who was given the part acts for the host's office, which decided so; the room checks the right.
    """
    if person.role != HOST or person.invited_as == HOST:
        return actor
    return replace(actor, kind=ActorKind.SYSTEM)


async def take_over(live: LiveRoom, now: datetime) -> None:
    """Let somebody conduct whose host is gone, if it is time and anybody is there.

    The event is written behind: a slow database must not keep the room without a host.
    """
    gone = missing_host(live.room, now, live.seen)
    heir = next_host(live.room) if gone is not None else None
    if gone is None or heir is None:
        return
    away = (now - gone.absent_since).total_seconds() if gone.absent_since else 0.0
    data = {"from": gone.id, "to": heir.id, "to_name": heir.name, "seconds": round(away, 1)}
    session_id = live.room.sitting.id
    live.backlog.add(
        SUCCEEDED,
        lambda db: append_event(db, live.clock, session_id, SUCCEEDED, heir.name, heir.id, data),
    )
    await install(live, SUCCEEDED, data, [gone, heir])


async def pass_on(
    live: LiveRoom, kind: str, by: Participant, to: Participant, giver: Participant | None
) -> None:
    """Write the event and give the part to `to`; `giver` becomes a colleague."""
    data = {"from": giver.id if giver else None, "to": to.id, "to_name": to.name}
    await live.write(to, kind, by, data)
    await install(live, kind, data, [to, giver])


async def install(live: LiveRoom, kind: str, data: dict[str, Any], people: list[Participant | None]) -> None:
    """Make the event true in the room: roles, rights, open microphones."""
    live.room.conduct.hear(kind, data)
    concerned = [person for person in people if person is not None]
    for person in concerned:
        live.room.give_role(person)
        live.tell(person.id, RightsChanged(person.role, sorted(person.rights)))
    live.changed()
    await apply_phase(live, concerned)
