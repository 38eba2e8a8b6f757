"""Line of an office: whose turn comes before this sitting's, over all rooms where people wait for it. Pure.

An office calls who waits for it by one rule (scheduling/arrival/calling_order.py), in whichever room they
wait. A sitting is one turn, however many come with the petitioner.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cases.roles import InvitationRole
from scheduling.arrival.calling_order import InLine, in_calling_order
from signaling.participant import Participant
from signaling.room import Room

# Whom a sitting is for; who else waits comes in with them.
RECEIVED = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY})


def turns_before(room: Room, rooms: Iterable[Room], now: datetime) -> int:
    """How many sittings of the same office are called before this one; 0 for one that has begun."""
    own = _place(room, room.in_lobby())
    if own is None:
        return 0
    office = room.sitting.host_organisation_id
    others = (
        _place(other, [each for each in other.in_lobby() if each.role in RECEIVED])
        for other in rooms
        if other is not room and other.sitting.host_organisation_id == office
    )
    order = in_calling_order([own, *(each for each in others if each is not None)], now)
    return next(place for place, (each, _) in enumerate(order) if each is own)


def _place(room: Room, waiting: list[Participant]) -> InLine | None:
    """Where a sitting stands; None once it was opened, or where nobody waits for it."""
    if room.sitting.opened_at is not None or room.sitting.ended or not waiting:
        return None
    received = [each for each in waiting if each.role in RECEIVED]
    since = min(each.queued_at or each.joined_at for each in received or waiting)
    return InLine(room.sitting.id, "", since, room.sitting.booked_for)
