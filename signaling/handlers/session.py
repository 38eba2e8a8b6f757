"""Open, pause, resume and close the sitting; its recording follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import RuleError
from signaling import sittings
from signaling.commands import Close, CloseUnsigned, Open, Pause, Resume, StartRecording
from signaling.room import BadState
from signaling.texts import plain

if TYPE_CHECKING:
    from signaling.attendee import Attendee

UNSIGNED = "笔录还没有签完字，签字的经过也要录下来。确需现在结束的，请写明原因"


async def open_session(me: Attendee, command: Open) -> None:
    """Begin; recording starts with it. Twice is as good as once."""
    if me.room.sitting.state == "paused":
        raise BadState(message="接访已暂停，请点「继续」")
    if me.room.sitting.state != "live":
        await sittings.require_room_on_disk(me.live)
        await me.live.media.find_place()
        await sittings.move(me.live, me.authority, "live")
    if me.room.sitting.record and me.room.deliberation is None:
        await sittings.record(me.live, me.authority)
    me.live.changed()


async def pause(me: Attendee, command: Pause) -> None:
    """Interrupt; what is said meanwhile is not recorded, and the reason stands in the events."""
    sittings.require_together(me.live)
    reason = plain(command.reason)
    if not reason:
        raise BadState(message="暂停需要说明原因")
    await sittings.move(me.live, me.authority, "paused", reason)
    badge = me.room.badge
    if badge.recording_id is not None:
        badge.state = "paused"
        await me.live.media.stop_recording("paused")
        me.live.note("recording.paused", {"recording_id": badge.recording_id, "cause": reason})
    me.live.changed()


async def resume(me: Attendee, command: Resume) -> None:
    """Go on, under the same recording."""
    if me.room.sitting.state != "paused":
        raise BadState(message="接访没有暂停")
    await sittings.move(me.live, me.authority, "live")
    if me.room.badge.recording_id is not None:
        await sittings.record(me.live, me.authority)
    me.live.changed()


async def start_recording(me: Attendee, command: StartRecording) -> None:
    """Start where it is off, or again after a fault."""
    if me.room.sitting.state != "live":
        raise BadState(message="接访开始后才能录制")
    sittings.require_together(me.live)
    await sittings.record(me.live, me.authority)
    me.live.changed()


async def close(me: Attendee, command: Close) -> None:
    """The recording is written out first, then the sitting is closed, then everybody is told.

    It is recorded until the minutes are signed. Raises RuleError `minutes_unsigned`.
    """
    if await sittings.waits_for_signatures(me.live):
        raise RuleError("minutes_unsigned", UNSIGNED)
    await sittings.close(me.live, me.authority)
    me.live.dismiss(answering=me.connection, by=me.person)


async def close_unsigned(me: Attendee, command: CloseUnsigned) -> None:
    """The same, with signatures missing; why stands in the events and so in the recording's manifest."""
    reason = plain(command.reason)
    if not reason:
        raise BadState(message="笔录没有签完字就结束，需要说明原因")
    await sittings.close(me.live, me.authority, reason)
    me.live.dismiss(answering=me.connection, by=me.person)
