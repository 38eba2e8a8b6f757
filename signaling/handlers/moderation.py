"""What a host does to others: lock a source, lower hands, correct a name, take a seat away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.fields import clean_name
from scheduling.session_events import add_event
from scheduling.sessions.invitations import rename_invitation
from signaling import sittings
from signaling.commands import LowerHands, Mute, MuteAll, Remove, Rename, Source
from signaling.protocol import CloseCode
from signaling.pushes import Removed
from signaling.rights import Right
from signaling.room import BadState
from signaling.texts import few_marks, plain

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.participant import Participant


async def mute(me: Attendee, command: Mute) -> None:
    """Lock or release a source; the worker stops forwarding it, whatever the browser sends."""
    await _lock(me, me.room.inside(command.participant_id), command.source, command.muted)


async def mute_all(me: Attendee, command: MuteAll) -> None:
    """Quiet in the room; hosts keep the word."""
    for person in me.room.in_room():
        if person.role != "host" and Right.PUBLISH in person.rights:
            await _lock(me, person, "microphone", muted=True)


async def lower_hands(me: Attendee, command: LowerHands) -> None:
    """Everybody's question was heard, or there is no time for more."""
    for person in me.room.in_room():
        if person.hand_raised_at is not None:
            await me.live.write(person, "hand.lowered", me.person, hand_raised_at=None)
            person.hand_raised_at = None
            me.live.changed()


async def rename(me: Attendee, command: Rename) -> None:
    """Another display name. For the petitioner's side, whose name is in the record, it needs a reason."""
    person = me.room.find(command.participant_id)
    name, reason = clean_name(few_marks(command.name)), plain(command.reason)
    if not person.official and not reason:
        raise BadState(message="改信访人一方的名字需要说明原因")
    if name == person.name:
        return
    data = {"from": person.name, "to": name, "reason": reason}
    async with me.live.database.session() as db:
        await rename_invitation(db, person.invitation_id, name)
        await add_event(
            db, me.live.clock, me.room.sitting.id, "participant.renamed", me.person.name, person.id, data
        )
        await db.commit()
    person.name = name
    me.live.changed()


async def _lock(me: Attendee, person: Participant, source: Source, muted: bool) -> None:
    switch = person.switch(source)
    if switch.locked == muted and not switch.by_phase:
        return
    sources = person.kept_sources()
    sources[source] |= {"locked": muted, "by_phase": False}
    kind = "source.locked" if muted else "source.released"
    await me.live.write(person, kind, me.person, {"source": source}, sources=sources)
    switch.locked, switch.by_phase = muted, False
    await me.live.media.lock(person, source, muted)
    if source == "screen" and muted:
        me.live.clear_stage(person, "locked")
    me.live.changed()


async def remove(me: Attendee, command: Remove) -> None:
    """Take the seat, the media and the link away."""
    person = me.room.removable(command.participant_id)
    reason = plain(command.reason)
    if not reason:
        raise BadState(message="移出需要说明原因")
    await me.live.write(
        person, "participant.removed", me.person, {"reason": reason},
        place="removed", removed_at=me.live.clock.now(), removed_reason=reason,
    )  # fmt: skip
    me.room.expel(person)
    me.live.dismiss_one(person, Removed(reason), CloseCode.REMOVED)
    await me.live.media.let_out(person, "removed")
    await sittings.revoke(me.live, person)
    me.live.changed()
