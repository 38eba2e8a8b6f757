"""Coming in: a room built from its rows, a seat turned into a participant, the welcome."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from cases.errors import Forbidden, RuleError
from cases.organisations import Organisation
from recordings.recording import find_live_recording
from scheduling.links import find_link
from scheduling.minutes.objection import count_open_objections
from scheduling.minutes.record import find_minutes
from scheduling.session_events import events_of_kinds
from scheduling.sessions.invitations import Invitation
from signaling import sittings
from signaling.admission import Admission
from signaling.commands import Authenticate
from signaling.conduct import KINDS
from signaling.connection import Connection
from signaling.deliberation import CAUSE, find_deliberation
from signaling.exhibit import count_strokes, find_exhibit
from signaling.live import LiveRoom
from signaling.mark_pushes import Marks
from signaling.marks import find_marks
from signaling.participant import Participant, SourceSwitch
from signaling.protocol import VERSION, CloseCode
from signaling.pushes import MediaNeeds, Welcome
from signaling.rights import Right
from signaling.room import Room
from signaling.seat import Seat, find_seat, seats_of_session, take_seat
from signaling.speaking import apply_phase
from signaling.veils import find_veiled


async def build_room(database: Database, clock: Clock, session_id: str, recordings: Path) -> Room:
    """The room as the database knows it: everybody who has a seat is on the way back. Raises NotFound."""
    now = clock.now()
    async with database.session() as db:
        room = Room(await sittings.load_sitting(db, session_id))
        for event in await events_of_kinds(db, session_id, KINDS):
            room.conduct.hear(event.kind, event.data)
        for seat, invitation in await seats_of_session(db, session_id):
            room.take(await participant_of(db, seat, invitation, now))
        recording = await find_live_recording(db, session_id)
        minutes = await find_minutes(db, session_id)
        if minutes is not None:
            room.open_objections = await count_open_objections(db, minutes.id)
        room.deliberation = await find_deliberation(db, session_id)
        room.marks = await find_marks(db, session_id)
        room.exhibit = await find_exhibit(db, session_id)
        room.strokes_written = await count_strokes(db, session_id)
        for participant_id in await find_veiled(db, session_id) & room.people.keys():
            room.people[participant_id].veiled = True
    room.minutes_shown = minutes is not None and minutes.shown_live
    room.minutes_state = str(minutes.state) if minutes is not None else None
    if recording is not None:
        badge = room.badge
        badge.recording_id, badge.directory = recording.id, str(recording.folder(recordings))
        badge.since = recording.active_at
        badge.state = "paused" if room.sitting.state == "paused" else "preparing"
        if room.deliberation is not None:
            badge.state, badge.cause = "paused", CAUSE
    return room


async def participant_of(db: AsyncSession, seat: Seat, invitation: Invitation, now: datetime) -> Participant:
    """A participant who is not connected yet."""
    organisation = None
    if invitation.organisation_id is not None:
        organisation = await db.get(Organisation, invitation.organisation_id)
    return Participant(
        id=seat.id,
        invitation_id=invitation.id,
        name=invitation.display_name,
        role=str(invitation.role),
        tier=str(organisation.tier) if organisation is not None else None,
        organisation=organisation.short_name if organisation is not None else None,
        place=seat.place,
        joined_at=seat.admitted_at or seat.created_at,
        number=seat.number,
        queued_at=seat.queued_at,
        left_at=seat.left_at,
        hand_raised_at=seat.hand_raised_at,
        sources={
            source: SourceSwitch(  # type: ignore[misc]
                enabled=kept["enabled"], locked=kept["locked"], by_phase=kept.get("by_phase", False)
            )
            for source, kept in seat.sources.items()
        },
        ready=seat.ready,
        device=seat.device,
        absent_since=seat.absent_since or now,
        away_since=seat.away_since,
        place_lost=bool(seat.away_since and seat.queued_at and seat.queued_at > seat.away_since),
    )


async def seat_person(live: LiveRoom, admission: Admission) -> Participant:
    """The participant of the ticket's seat. Raises Forbidden when the seat was taken away."""
    async with live.database.session() as db:
        invitation = await db.get(Invitation, admission.invitation_id)
        if invitation is None or invitation.revoked_at is not None:
            raise RuleError("link_revoked", "这个邀请已经收回")
        seat = await take_seat(db, live.clock, invitation, live.room.sitting.host_organisation_id)
        if seat.place == "removed" and not await _given_back(db, seat):
            raise Forbidden(message=seat.removed_reason or live.room.sitting.says("您已被请出这场接访"))
        return live.room.take(await participant_of(db, seat, invitation, live.clock.now()))


async def _given_back(db: AsyncSession, seat: Seat) -> bool:
    """A link issued after the removal gives the seat back, in the waiting room."""
    link = await find_link(db, seat.invitation_id)
    if link is None or seat.removed_at is None or link.issued_at <= seat.removed_at:
        return False
    seat.place, seat.removed_at, seat.removed_reason = "lobby", None, None
    await db.commit()
    return True


async def welcome(live: LiveRoom, person: Participant, connection: Connection, command: Authenticate) -> None:
    """Mark the person present, write it down, let the media in, and answer `authenticate`."""
    now = live.clock.now()
    new = person.id not in live.seen
    live.seen.add(person.id)
    await live.backlog.settle()
    live.room.connect(person, now)
    if person.veiled:
        person.voice_altered = False  # Until this page says so, too.
        await live.media.relock(person)
    await live.write(
        person, "participant.joined" if new else "participant.resumed",
        queued_at=person.queued_at, absent_since=person.absent_since, left_at=None,
    )  # fmt: skip
    if person.place == "room":
        await live.media.let_in(person)
        await apply_phase(live, [person])
    else:
        await sittings.someone_came(live)
    needs = person.media_needs(command.publish_alive, command.subscribe_alive)
    connection.greet(_welcome(live, person, needs))
    if person.place == "room" and Right.MARK in person.rights and live.room.marks:
        connection.push(Marks([mark.view() for mark in live.room.marks.values()]))
    if person.pending_offer is not None and not needs.subscribe_needed:
        connection.push(person.pending_offer)
    live.changed()


def _welcome(live: LiveRoom, person: Participant, needs: MediaNeeds) -> Welcome:
    now = live.clock.now()
    inside = person.place == "room"
    return Welcome(
        version=VERSION,
        participant_id=person.id,
        session=live.room.sitting.view(now),
        role=person.role,
        place="room" if inside else "lobby",
        rights=sorted(person.rights),
        room=live.room.view(now, *live.audience(person)) if inside else None,
        queue=None if inside else live.queue_view(person),
        media=needs,
        relays=live.grant_relays(person) if inside else [],
    )


async def welcome_to_the_end(
    database: Database, clock: Clock, connection: Connection, admission: Admission
) -> None:
    """The session is over: say so and close."""
    async with database.session() as db:
        sitting = await sittings.load_sitting(db, admission.session_id)
        invitation = await db.get(Invitation, admission.invitation_id)
        seat = await find_seat(db, admission.invitation_id)
    connection.push(
        Welcome(
            version=VERSION,
            participant_id=seat.id if seat is not None else admission.invitation_id,
            session=sitting.view(clock.now()),
            role=str(invitation.role) if invitation is not None else "",
            place="closed",
            rights=[],
            room=None,
            queue=None,
            media=MediaNeeds(publish_needed=False, subscribe_needed=False),
            relays=[],
        )
    )
    connection.end(CloseCode.DONE)
