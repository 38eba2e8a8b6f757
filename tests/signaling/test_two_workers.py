"""Two real media workers, a room on each: the death of one is no business of the other's room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from cases.database import Database
from cases.policy import SYSTEM
from scheduling.session import Session
from scheduling.sessions.sessions import CreateSession, create_session
from tests.signaling.hall import Client, Hall
from tests.signaling.test_real_worker import Peer, RealWorker

OFFICIALS = ("host", "joint_receptionist")
# What a listener may miss, in frames of 20 ms, while a worker next door dies: scheduling noise only.
MISSED = 50


@pytest.fixture
async def halls(database: Database, hall_folder: Path) -> AsyncIterator[Hall]:
    hall = Hall(database, hall_folder, workers=2)
    hall.workers = [RealWorker(worker.path) for worker in hall.workers]  # type: ignore[misc]
    await hall.open()
    yield hall
    await hall.close()


async def second_session(hall: Hall) -> str:
    """Another sitting of the same offices, an hour later."""
    async with hall.database.session() as db:
        first = await db.get(Session, hall.session_id)
        assert first is not None
        joint = hall.actors["joint_receptionist"].posts[0].organisation_id
        command = CreateSession(
            first.petition_id, first.host_organisation_id,
            starts_at=first.starts_at + timedelta(hours=1), ends_at=first.ends_at + timedelta(hours=1),
            joint_organisation_ids=(joint,),
        )  # fmt: skip
        return (await create_session(db, hall.clock, SYSTEM, command)).id


async def sit(hall: Hall, session_id: str) -> list[Peer]:
    """Two officials who hear each other."""
    hall.session_id = session_id
    peers = [Peer(await hall.client(who)) for who in OFFICIALS]
    for peer in peers:
        await peer.negotiate()
    for peer in peers:
        await peer.hears()
    return peers


def told(client: Client) -> list[str]:
    return [push["type"] for push in client.pushes if push["type"].startswith("media_")]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_only_the_rooms_of_the_dead_worker_form_again(halls: Hall) -> None:
    hall = halls
    sessions = [hall.session_id, await second_session(hall)]
    rooms = [await sit(hall, session_id) for session_id in sessions]
    try:
        links = [hall.registry.rooms[session_id].media.link for session_id in sessions]
        assert links[0] is not None and links[1] is not None and links[0] is not links[1]
        dying = next(worker for worker in hall.workers if worker.path == links[0].path)
        # Somebody listens next door for two seconds, in the middle of which the worker is killed.
        listener = rooms[1][0]
        before, started = listener.frames, asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        await dying.kill()
        for peer in rooms[0]:
            await peer.client.push("media_lost", timeout=2)
        await dying.start()
        for peer in rooms[0]:
            await peer.client.push("media_restored", timeout=15)
            await peer.negotiate()
        for peer in rooms[0]:
            await peer.hears()
        heard = listener.frames - before
        assert heard > (asyncio.get_running_loop().time() - started) / 0.02 - MISSED
        assert [told(peer.client) for peer in rooms[1]] == [[], []]
        assert hall.registry.rooms[sessions[1]].media.link is links[1]
    finally:
        for peer in (*rooms[0], *rooms[1]):
            await peer.close()
