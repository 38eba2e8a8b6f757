"""A reception of two hours in the database and on the disk, sparse: few packets, a small film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bench.film import write_film
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.capture.journal import file_sha256
from recordings.evidence.manifest import MANIFEST_FILE, canonical, sha256_hex
from recordings.evidence.signing import load_signer
from recordings.recording import CompositionState, load_recording, start_recording, stop_recording
from recordings.settings import RecordingsSettings
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT
from recordings.worker import RecordingsWorker
from scheduling.materials.store import MaterialStore
from scheduling.session import SessionState
from scheduling.session_events import append_event
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import move_session
from signaling.quality import Minute
from signaling.quality_minutes import add_minutes
from signaling.seat import seats_of_session, take_seat
from tests.disk import AMPLE
from tests.factories import find_invitation, make_petition, make_session
from tests.recordings.synthetic import (
    PARTIES,
    START,
    Party,
    opus_packets,
    rtp,
    vp8_frames,
    vp8_payloads,
    write_track,
)
from tests.web.conftest import House

SECONDS = 7200
EVERY = 2  # seconds between two packets; three without any would be a gap
PROMISE = "承诺三日内恢复三单元供暖"
GOOD = [0, 40, 6, 900, 640, 360, 15]
LOSSY = [120, 85, 14, 412, 640, 360, 15]
# What happened: second, kind, who, data.
TOLD = (
    (5, "participant.joined", "petitioner", {}),
    (900, "hand.raised", "petitioner", {}),
    (960, "hand.lowered", "petitioner", {}),
    (1500, "screen.shared", "petitioner", {}),
    (1800, "screen.ended", "petitioner", {}),
    (2400, "session.paused", "host", {"reason": "内部商议"}),
    (3000, "session.resumed", "host", {}),
    (3600, "participant.dropped", "petitioner", {}),
    (3642, "participant.resumed", "petitioner", {}),
    (5400, "mark.set", "host", {"text": PROMISE}),
    (5405, "chat.said", "petitioner", {"text": "家里老人怕冷，请快一点"}),
)
# Who had the floor: from, until.
FLOOR = (("host", 10, 600), ("petitioner", 600, 1500), ("host", 3010, 3500), ("petitioner", 5000, 5420))


def _pictures(party: Party) -> Iterator[tuple[float, bytes]]:
    (frame,) = vp8_frames(party.colour, 160, 90, 1)
    for number in range(SECONDS // EVERY):
        for payload in vp8_payloads(frame, number):
            at = number * EVERY
            yield at, rtp(number, 0xFFFF0000 + at * 90_000, 0x1000 + party.tone, payload, True, 96)


def _sounds(party: Party) -> Iterator[tuple[float, bytes]]:
    (packet,) = opus_packets(party.tone, 1)
    for number in range(SECONDS // EVERY):
        at = number * EVERY
        yield at, rtp(number, at * 48_000, 0x2000 + party.tone, packet, False, 111)


async def record_two_hours(house: House) -> str:
    """The recording's id: stopped, sealed and verified by the real worker, its film in place."""
    clock, root = house.clock, house.settings.recordings_root
    clock.set(START)
    async with house.database.session() as db:
        petition = await make_petition(db, clock, house.world.chengguan)
        host = Invitee(InvitationRole.HOST, name="王芳", organisation_id=house.world.chengguan.id)
        session = await make_session(db, clock, house.world, petition, invitees=(host,))
        await move_session(db, clock, SYSTEM, session.id, SessionState.LIVE)
        seats, names = {}, {}
        for role in (InvitationRole.HOST, InvitationRole.PETITIONER):
            invitation = await find_invitation(db, session, role)
            seats[str(role)] = (await take_seat(db, clock, invitation, house.world.chengguan.id)).id
            names[str(role)] = invitation.display_name
        made = await start_recording(db, clock, SYSTEM, session.id, root, AMPLE)
        folder = made.folder(root)
        for second, kind, role, data in TOLD:
            clock.set(START + timedelta(seconds=second))
            await append_event(db, clock, session.id, kind, names[role], seats[role], data)
        began = round(START.timestamp() * 1000)
        spans = [[seats[role], began + since * 1000, (until - since) * 1000] for role, since, until in FLOOR]
        clock.set(START + timedelta(seconds=SECONDS))
        await append_event(db, clock, session.id, "speech.noted", data={"spans": spans})
        recording = await stop_recording(db, clock, SYSTEM, made.id, "session_closed")
        await add_minutes(db, session.id, list(_minutes(seats)))
    for party, role in ((PARTIES[1], "host"), (PARTIES[3], "petitioner")):
        seated = replace(party, participant_id=seats[role])
        write_track(folder, seated, "camera", _pictures(seated), 0.0, 0.06)
        write_track(folder, seated, "microphone", _sounds(seated), 0.0, 0.02)
    working = recordings_worker(house)
    await working.work_once()
    async with house.database.session() as db:
        recording = await load_recording(db, recording.id)
        recording.composition, recording.composed_ms = CompositionState.DONE, SECONDS * 1000
        await db.commit()
    write_film(folder / COMPOSED_FILE, SECONDS)
    _state(house, folder)
    clock.advance(seconds=5)
    await working.work_once()
    clock.advance(hours=1)
    return recording.id


def _state(house: House, folder: Path) -> None:
    """The signed statement that the film was made of this recording."""
    statement = canonical(
        {
            "format": "lianxin-derivative",
            "manifest_sha256": sha256_hex((folder / MANIFEST_FILE).read_bytes()),
            "sha256": file_sha256(folder / COMPOSED_FILE),
        }
    )
    signer = load_signer(house.settings.state / "keys")
    (folder / COMPOSED_STATEMENT).write_bytes(statement)
    (folder / COMPOSED_SIGNATURE).write_bytes(canonical(signer.sign(statement)))


def recordings_worker(house: House) -> RecordingsWorker:
    """The real worker on the house's disk and database."""
    state = house.settings.state
    settings = RecordingsSettings(
        house.settings.recordings_root, state / "keys", materials=MaterialStore.at(state)
    )
    return RecordingsWorker(house.database, house.clock, settings, seats_of_session)


def _minutes(seats: dict[str, str]) -> Iterator[Minute]:
    """The citizen's network: bad for a minute at the end of the first hour."""
    for row, first in ((GOOD, 3480), (LOSSY, 3540), (GOOD, 3600)):
        at = START + timedelta(seconds=first)
        minute = Minute(seats["petitioner"], at.replace(second=0, microsecond=0))
        for second in range(60):
            minute.add("worker", "up", row, at + timedelta(seconds=second))
        yield minute
