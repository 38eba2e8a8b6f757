"""Who conducts when the host is gone: the named deputy, otherwise the first colleague there. Pure.

Only officials of the host's or a joint office conduct. Five seconds after a host's browser crashed somebody
must be able to act: a closed socket counts at once and then waits three seconds for a reload, a page that
fell silent is noticed after four.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from signaling.conduct import COLLEAGUE, HOST
from signaling.participant import Participant
from signaling.room import Room

RELOAD = timedelta(seconds=3)
# After a restart of this process everybody is away for a moment, the host not more than the others.
RESTART = timedelta(seconds=15)
RUNNING = ("live", "paused")


def able(person: Participant) -> bool:
    """Is this person here now?"""
    return person.place == "room" and person.present and person.connected and not person.vanished


def hosts(room: Room) -> list[Participant]:
    """Everybody with the host's part who did not leave."""
    return [person for person in room.in_room() if person.role == HOST]


def may_conduct(person: Participant) -> bool:
    """Is this an official of the host's or a joint office?"""
    return person.role in (HOST, COLLEAGUE)


def next_host(room: Room) -> Participant | None:
    """Who would take over: the named deputy, then colleagues of the host's office, then who came first."""
    here = [person for person in room.in_room() if person.role == COLLEAGUE and able(person)]
    named = [person for person in here if person.id == room.conduct.deputy]
    own = [person for person in here if person.invited_as == HOST]
    return next(iter([*named, *own, *here]), None)


def succession_at(room: Room, now: datetime) -> datetime | None:
    """When the host's part may have to be taken over, if that lies ahead: the ticker looks then."""
    ends = [
        person.absent_since + RELOAD
        for person in room.people.values()
        if person.role == HOST and not person.connected and person.absent_since is not None
    ]
    return min((at for at in ends if at > now), default=None) if room.sitting.state in RUNNING else None


def missing_host(room: Room, now: datetime, known: set[str]) -> Participant | None:
    """The host whose part must be taken over, or None. `known`: who was here since this process began."""
    if room.sitting.state not in RUNNING:
        return None
    holders = [person for person in room.people.values() if person.role == HOST and person.place == "room"]
    if not holders or any(_still_here(person, now, known) for person in holders):
        return None
    return max(holders, key=lambda person: (person.absent_since or now, person.id))


def _still_here(person: Participant, now: datetime, known: set[str]) -> bool:
    if not person.present or person.vanished:
        return False
    if person.connected or person.absent_since is None:
        return True
    return now - person.absent_since < (RELOAD if person.id in known else RESTART)
