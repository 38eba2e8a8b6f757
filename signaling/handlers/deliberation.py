"""合议: the host parts the room, and brings everybody back after a countdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import Forbidden
from scheduling.session_events import append_event
from signaling.commands import Deliberate, EndDeliberation
from signaling.deliberation import BEGAN, CAUSE, COUNTDOWN, RETURNING, Deliberation
from signaling.room import BadState, Room
from signaling.speaking import apply_phase

if TYPE_CHECKING:
    from signaling.attendee import Attendee


async def deliberate(me: Attendee, command: Deliberate) -> None:
    """Part the room. It is told to the pages only when the worker has confirmed it and it is written."""
    if me.room.sitting.state != "live":
        raise BadState(message="接访进行中才能合议")
    if me.room.deliberation is not None:
        raise BadState(message="已经在合议，请先返回接访")
    live, now = me.live, me.live.clock.now()
    deliberation = Deliberation(_conferring(me.room, command.participants), now)
    # From here on a worker that takes the room up anew parts it before it lets anybody in.
    me.room.deliberation = deliberation
    try:
        await live.media.part()
        async with live.database.session() as db:
            data = {"participants": sorted(deliberation.people)}
            event = await append_event(
                db, live.clock, me.room.sitting.id, BEGAN, me.person.name, me.person.id, data
            )
    except BaseException:
        me.room.deliberation = None
        await live.media.unpart()
        raise
    deliberation.since, deliberation.confirmed = event.at, True
    badge = me.room.badge
    if badge.recording_id is not None and badge.state != "stopped":
        badge.state, badge.cause = "paused", CAUSE
        await live.media.stop_recording(CAUSE)
    live.clear_exhibit(CAUSE)
    await apply_phase(live, [each for each in me.room.in_room() if me.room.confers(each)])
    live.room.hear_floor(now)
    live.changed()


def _conferring(room: Room, participants: list[str]) -> frozenset[str]:
    people = [room.inside(participant_id) for participant_id in participants]
    if not all(person.official for person in people):
        raise Forbidden(message="只有工作人员能参加内部合议")
    return frozenset(person.id for person in people)


async def end_deliberation(me: Attendee, command: EndDeliberation) -> None:
    """Begin the countdown, by the server's clock; twice is as good as once."""
    deliberation, live = me.room.deliberation, me.live
    if deliberation is None:
        raise BadState(message="现在没有合议")
    if deliberation.returns_at is None:
        async with live.database.session() as db:
            event = await append_event(
                db, live.clock, me.room.sitting.id, RETURNING, me.person.name, me.person.id
            )
        deliberation.returns_at = event.at + COUNTDOWN
    live.changed()
