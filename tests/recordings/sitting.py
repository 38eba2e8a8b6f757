"""A session in the database with four seated people, ready to be recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel
from cases.database import Database
from cases.people import PersonDetails
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.recording import Recording, RecordingState, start_recording, stop_recording
from scheduling.session import Session, SessionState
from scheduling.sessions.invitations import Invitation, Invitee
from scheduling.sessions.sessions import CreateSession, create_session, move_session
from tests.clock import FixedClock
from tests.disk import AMPLE
from tests.factories import World
from tests.recordings.synthetic import PARTIES, START, Party, write_session


@dataclass(frozen=True)
class SeatStandIn:
    """The part of a seat that sealing reads."""

    id: str


@dataclass
class Sitting:
    """A live session of the Chengguan district with city and province, and a seat lookup for the sealer."""

    database: Database
    clock: FixedClock
    world: World
    root: Path
    session: Session = field(init=False)

    async def arrange(self) -> None:
        async with self.database.session() as db:
            district = self.world.chengguan
            petitioner = PersonDetails(name="马秀英", phone="13800000000")
            command = RegisterPetition(Channel.VIDEO, "供暖问题", "家中供暖不足", petitioner, district.id)
            self.clock.set(START - timedelta(hours=1))
            petition, _ = await register_petition(db, self.clock, SYSTEM, command)
            arrange = CreateSession(
                petition_id=petition.id,
                host_organisation_id=district.id,
                starts_at=START,
                ends_at=START + timedelta(hours=1),
                joint_organisation_ids=(self.world.city.id, self.world.province.id),
                invitees=(Invitee(InvitationRole.HOST, name="王芳", organisation_id=district.id),),
            )
            self.session = await create_session(db, self.clock, SYSTEM, arrange)
            self.clock.set(START)
            await move_session(db, self.clock, SYSTEM, self.session.id, SessionState.LIVE)

    async def seats(self, db: AsyncSession, session_id: str) -> list[tuple[Any, Invitation]]:
        """Petitioner and host sit on the seats of the synthetic citizen and district."""
        query = select(Invitation).where(Invitation.session_id == session_id)
        seats = {"petitioner": "p_citizen", "host": "p_district"}
        return [(SeatStandIn(seats[str(row.role)]), row) for row in (await db.scalars(query)).all()]

    async def record(
        self, seconds: float = 3.0, parties: tuple[Party, ...] = PARTIES[1:2] + PARTIES[3:], **how: Any
    ) -> Recording:
        """Start, write journals, and stop after ``seconds``."""
        async with self.database.session() as db:
            recording = await start_recording(db, self.clock, SYSTEM, self.session.id, self.root, AMPLE)
            write_session(recording.folder(self.root), seconds, parties, **how)
            self.clock.advance(seconds=seconds)
            recording = await stop_recording(db, self.clock, SYSTEM, recording.id, "session_closed")
            assert recording.state is RecordingState.STOPPED
            return recording
