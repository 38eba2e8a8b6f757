"""A reception whose tracks can be played: parties with a colour and a tone each, on seats of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.lease import Lane
from recordings.recording import start_recording, stop_recording
from scheduling.session import SessionState
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import move_session
from signaling.seat import take_seat
from tests.disk import AMPLE
from tests.factories import find_invitation, make_petition, make_session
from tests.recordings.synthetic import PARTIES, START, Party, write_session
from tests.web.conftest import House
from tests.web.sittings import recordings_worker

Write = Callable[[Path, dict[str, Party]], None]
# What else happens before the recording is stopped, in the session of this id.
Meanwhile = Callable[[AsyncSession, str], Awaitable[None]]


async def record_tracks(
    house: House, seconds: float, write: Write | None = None, sealed: bool = True,
    meanwhile: Meanwhile | None = None,
) -> str:  # fmt: skip
    """The id of a recording that has stopped, without a film: host red, petitioner yellow.

    ``write`` puts the tracks into the folder instead, for the parties by role.
    """
    clock, root = house.clock, house.settings.recordings_root
    clock.set(START)
    async with house.database.session() as db:
        petition = await make_petition(db, clock, house.world.chengguan)
        host = Invitee(InvitationRole.HOST, name="王芳", organisation_id=house.world.chengguan.id)
        session = await make_session(db, clock, house.world, petition, invitees=(host,))
        await move_session(db, clock, SYSTEM, session.id, SessionState.LIVE)
        parties = {}
        for role, party in ((InvitationRole.HOST, PARTIES[0]), (InvitationRole.PETITIONER, PARTIES[3])):
            invitation = await find_invitation(db, session, role)
            seat = await take_seat(db, clock, invitation, house.world.chengguan.id)
            parties[str(role)] = replace(party, participant_id=seat.id)
        made = await start_recording(db, clock, SYSTEM, session.id, root, AMPLE)
        folder = made.folder(root)
        if write is None:
            write_session(folder, seconds, tuple(parties.values()), (160, 90))
        else:
            write(folder, parties)
        if meanwhile is not None:
            await meanwhile(db, session.id)
        clock.set(START + timedelta(seconds=seconds))
        await stop_recording(db, clock, SYSTEM, made.id, "session_closed")
    clock.advance(seconds=6)
    if sealed:
        await recordings_worker(house).work_once((Lane.SEAL,))
    return made.id
