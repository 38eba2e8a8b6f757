"""A live room in short, for the offices' board: who waits, who is inside, what is recorded. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signaling.participant import Participant
from signaling.pushes import BadgeState, Presence, QualityLevel
from signaling.quality import ORDER
from signaling.room import Room


@dataclass(frozen=True)
class Waiting:
    """Somebody in the waiting room; `since` is when the wait began."""

    name: str
    number: str
    since: datetime
    presence: Presence
    ready: bool


@dataclass(frozen=True)
class Inside:
    """Somebody in the room. `line` is the worse of both directions; `gone_since` of who is not connected."""

    name: str
    role: str
    official: bool
    organisation: str | None
    presence: Presence
    line: QualityLevel
    gone_since: datetime | None


@dataclass(frozen=True)
class Overview:
    """`phase` is its title, empty before the first; `recording` as the badge says it."""

    phase: str
    deliberating: bool
    recording: BadgeState
    waiting: tuple[Waiting, ...]
    inside: tuple[Inside, ...]


def overview_of(room: Room, now: datetime) -> Overview:
    """The room as officials may know it who are not in it."""
    phase = room.conduct.find_phase(room.conduct.phase or "")
    return Overview(
        phase=phase.title if phase is not None else "",
        deliberating=room.deliberation is not None and room.deliberation.confirmed,
        recording=room.badge.state,
        waiting=tuple(
            Waiting(
                person.name, person.number, person.queued_at or person.joined_at, person.presence(now),
                person.ready,
            )
            for person in room.in_lobby()
        ),
        inside=tuple(_inside(person, now) for person in room.in_room()),
    )  # fmt: skip


def _inside(person: Participant, now: datetime) -> Inside:
    quality = person.quality.view()
    presence = person.presence(now)
    return Inside(
        name=person.name, role=person.role, official=person.official, organisation=person.organisation,
        presence=presence, line=max(quality.up, quality.down, key=ORDER.index),
        gone_since=person.absent_since if presence != "connected" else None,
    )  # fmt: skip
