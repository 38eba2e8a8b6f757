"""Calls without an answer (过号): whoever brings no media up in a minute waits again, one place back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from signaling.pushes import MovedToLobby

if TYPE_CHECKING:
    from signaling.live import LiveRoom
    from signaling.participant import Participant
    from signaling.room import Room

# experience.md 2.6: called, then media up, or 60 s.
ANSWER_WITHIN = timedelta(seconds=60)
MISSED = "刚才叫到您，没有接通。号为您保留，顺延一位，稍后再叫您。"


def unanswered(room: Room, now: datetime) -> list[Participant]:
    """Who was called too long ago; a call that was answered is forgotten here."""
    late = []
    for person in room.in_room():
        if person.called_at is None:
            continue
        if person.answered:
            person.called_at = None
        elif now - person.called_at >= ANSWER_WITHIN:
            late.append(person)
    return late


async def call_off(live: LiveRoom, now: datetime) -> None:
    """Send them back to the waiting room. Without a media worker nobody can answer: the time starts anew."""
    for person in unanswered(live.room, now):
        if not live.media.standing:
            person.called_at = now
            continue
        seconds = ANSWER_WITHIN.total_seconds()
        person.queued_at = live.room.place_behind(person, now)
        await live.write(
            person, "participant.missed_call", None, {"seconds": seconds},
            place="lobby", hand_raised_at=None, queued_at=person.queued_at,
        )  # fmt: skip
        person.note = MISSED
        live.room.move_to_lobby(person, now)
        await live.media.let_out(person, "missed_call")
        live.tell(person.id, MovedToLobby())
        live.changed()
