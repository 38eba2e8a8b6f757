"""What a host does to others: lock a source, take a seat away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling import sittings
from signaling.commands import Mute, Remove
from signaling.protocol import CloseCode
from signaling.pushes import Removed
from signaling.texts import plain

if TYPE_CHECKING:
    from signaling.attendee import Attendee


async def mute(me: Attendee, command: Mute) -> None:
    """Lock or release a source; the worker stops forwarding it, whatever the browser sends."""
    person = me.room.inside(command.participant_id)
    switch = person.switch(command.source)
    if switch.locked == command.muted:
        return
    sources = person.kept_sources()
    sources[command.source]["locked"] = command.muted
    kind = "source.locked" if command.muted else "source.released"
    await me.live.write(person, kind, me.person, {"source": command.source}, sources=sources)
    switch.locked = command.muted
    await me.live.media.lock(person, command.source, command.muted)
    if command.source == "screen" and command.muted:
        me.live.clear_stage(person, "locked")
    me.live.changed()


async def remove(me: Attendee, command: Remove) -> None:
    """Take the seat, the media and the link away."""
    person = me.room.removable(command.participant_id)
    reason = plain(command.reason)
    await me.live.write(
        person, "participant.removed", me.person, {"reason": reason},
        place="removed", removed_at=me.live.clock.now(), removed_reason=reason,
    )  # fmt: skip
    me.room.expel(person)
    me.live.dismiss_one(person, Removed(reason), CloseCode.REMOVED)
    await me.live.media.let_out(person, "removed")
    await sittings.revoke(me.live, person)
    me.live.changed()
