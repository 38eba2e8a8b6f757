"""The live room's dealings with what is written down: session states, recordings, links."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, NotFound
from cases.policy import SYSTEM, Actor
from recordings.recording import start_recording, stop_recording
from recordings.space import require_space
from scheduling.arrival.calling_order import walked_in
from scheduling.links import revoke_link
from scheduling.minutes.record import MinutesState, find_minutes
from scheduling.phases import kind_of
from scheduling.session import TRANSITIONS, Session, SessionState
from scheduling.session_events import append_event
from scheduling.sessions.sessions import move_session
from signaling.deliberation import ENDED
from signaling.room import BadState, Sitting
from signaling.speaking import apply_phase

if TYPE_CHECKING:
    from signaling.live import LiveRoom
    from signaling.participant import Participant

logger = logging.getLogger(__name__)
ATTEMPTS = 3


def sitting_of(session: Session) -> Sitting:
    """The facts the room needs of the row."""
    return Sitting(
        id=session.id,
        title=session.title,
        state=session.state.value,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        opened_at=session.opened_at,
        host_organisation_id=session.host_organisation_id,
        record=session.record,
        kind=kind_of(len(session.organisations) - 1, session.kind),
        booked_for=None if walked_in(session) else session.starts_at,
    )


async def load_sitting(db: AsyncSession, session_id: str) -> Sitting:
    """Raises NotFound."""
    session = await db.get(Session, session_id)
    if session is None:
        raise NotFound(message="没有找到这场接访")
    return sitting_of(session)


async def move(live: LiveRoom, actor: Actor, state: str, reason: str | None = None) -> None:
    """Move the session and take the new facts over. Raises RuleError when the table forbids it."""
    sitting = live.room.sitting
    async with live.database.session() as db:
        await move_session(db, live.clock, actor, sitting.id, SessionState(state), reason)
        live.room.sitting = await load_sitting(db, sitting.id)


async def advance(live: LiveRoom, actor: Actor, state: str) -> None:
    """Move if the table permits it from here; otherwise the session is further already."""
    for _ in range(ATTEMPTS):
        if SessionState(state) not in TRANSITIONS[SessionState(live.room.sitting.state)]:
            return
        try:
            await move(live, actor, state)
            return
        except Conflict:
            # A page moved it, and the room has not heard of it yet: nobody is turned away for that.
            async with live.database.session() as db:
                live.room.sitting = await load_sitting(db, live.room.sitting.id)
    raise BadState(message=live.room.sitting.says("接访的状态刚刚变了，请再试一次"))


async def someone_came(live: LiveRoom) -> None:
    """The first petitioner's side person checked in."""
    if live.room.sitting.state in ("scheduled", "notified"):
        await advance(live, SYSTEM, "checked_in")


async def someone_waits(live: LiveRoom) -> None:
    """Somebody passed the device check and waits."""
    if live.room.sitting.state in ("scheduled", "notified", "checked_in"):
        await advance(live, SYSTEM, "waiting")


async def someone_called(live: LiveRoom) -> None:
    """The host called somebody in before the sitting began."""
    await advance(live, SYSTEM, "called")


async def require_room_on_disk(live: LiveRoom) -> None:
    """A sitting that must be recorded does not begin without space for it. Raises Conflict disk_low."""
    if live.room.sitting.record and live.room.badge.recording_id is None:
        await require_space(live.gauge, live.recordings)


async def record(live: LiveRoom, actor: Actor) -> None:
    """Start the session's recording, or go on with it; nothing to do while it is healthy."""
    badge = live.room.badge
    if badge.state in ("preparing", "active"):
        return
    async with live.database.session() as db:
        recording = await start_recording(
            db, live.clock, actor, live.room.sitting.id, live.recordings, live.gauge
        )
    badge.recording_id, badge.directory = recording.id, str(recording.folder(live.recordings))
    badge.state, badge.cause = "preparing", None
    await live.media.start_recording()


def require_together(live: LiveRoom) -> None:
    """Raises BadState while officials confer in private."""
    if live.room.deliberation is not None:
        raise BadState(message="正在内部合议，请先返回接访")


async def come_back(live: LiveRoom) -> None:
    """Once the countdown is over: write the end, open the room, go on recording. Nothing to do before."""
    deliberation, now = live.room.deliberation, live.clock.now()
    if deliberation is None or not deliberation.due(now):
        return
    async with live.database.session() as db:
        await append_event(db, live.clock, live.room.sitting.id, ENDED)
    live.room.deliberation = None
    await live.media.unpart()
    await apply_phase(live, [each for each in live.room.in_room() if each.id in deliberation.people])
    badge = live.room.badge
    if badge.recording_id is not None and badge.state == "paused" and live.room.sitting.state == "live":
        await record(live, SYSTEM)
    live.changed()


async def waits_for_signatures(live: LiveRoom) -> bool:
    """Is this sitting recorded, and are its minutes begun but not signed by everybody?"""
    if live.room.badge.recording_id is None:
        return False
    async with live.database.session() as db:
        minutes = await find_minutes(db, live.room.sitting.id)
    return minutes is not None and minutes.state is not MinutesState.LOCKED


async def close(live: LiveRoom, actor: Actor, reason: str | None = None) -> None:
    """Close the session, write the recording out, and end the room on the worker. Raises RuleError."""
    await move(live, actor, "closed", reason)
    await finish(live, "session_closed")


async def finish(live: LiveRoom, reason: str) -> None:
    """What must follow the end of a session, however it ended; safe to do twice."""
    badge = live.room.badge
    if live.room.deliberation is not None:
        live.room.deliberation = None
        live.note(ENDED, {"cause": reason})
    live.room.speeches.hear(None, live.clock.now())
    live.note_speeches()
    live.clear_stage(live.room.presenter, reason)
    live.clear_exhibit(reason)
    live.keep_quality(all_of_it=True)
    # Before the recording is handed over for sealing, which takes the events along.
    await live.backlog.settle()
    if badge.recording_id is not None and badge.state != "stopped":
        badge.state = "stopped"
        await live.media.stop_recording(reason)
        async with live.database.session() as db:
            await stop_recording(db, live.clock, SYSTEM, badge.recording_id, reason)
    await live.media.close(reason)


async def revoke(live: LiveRoom, person: Participant) -> None:
    """Take the personal link away; the room already decided that the host may."""
    async with live.database.session() as db:
        await revoke_link(db, live.clock, SYSTEM, person.invitation_id)
