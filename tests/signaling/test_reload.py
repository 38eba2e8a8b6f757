"""A page reloaded while it still connects: nobody is turned away for having pressed reload."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cases.errors import Conflict
from cases.policy import SYSTEM
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from signaling import registry, sittings
from signaling.registry import welcome
from tests.signaling.hall import Client, Hall

AUTHENTICATE = {"version": 1, "publish_alive": False, "subscribe_alive": False}


async def knock(hall: Hall, who: str) -> Client:
    """A page that has sent its ticket and waits for the welcome."""
    client = await hall.socket()
    await client.send("authenticate", ticket=await hall.ticket(who), **AUTHENTICATE)
    return client


class Stop:
    """Holds the first call until it is let go, after the step behind it was written."""

    def __init__(self, step: Any) -> None:
        self.step, self.reached, self.go = step, asyncio.Event(), asyncio.Event()

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        done = await self.step(*args, **kwargs)
        if not self.reached.is_set():
            self.reached.set()
            await self.go.wait()
        return done


async def test_a_step_that_is_written_is_known_although_the_page_was_left(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server cancels who hangs up; the session is checked in by then, and the room must know it."""
    assert hall.runner.server is not None
    hall.runner.server.handler_cancellation = True
    stop = Stop(move_session)
    monkeypatch.setattr(sittings, "move_session", stop)
    left = await knock(hall, "petitioner")
    await asyncio.wait_for(stop.reached.wait(), 5)
    await left.drop()
    again = await knock(hall, "petitioner")
    stop.go.set()
    again.welcome = await again.push("welcome")
    live = hall.registry.rooms[hall.session_id]
    assert live.room.sitting.state == "checked_in"
    assert again.welcome["place"] == "lobby"
    async with hall.database.session() as db:
        assert (await sittings.load_sitting(db, hall.session_id)).state == "checked_in"
    assert list(live.connections) == [again.id]


async def test_who_comes_while_a_page_moves_the_session_is_let_in(hall: Hall) -> None:
    await hall.client("host")
    async with hall.database.session() as db:
        await move_session(db, hall.clock, SYSTEM, hall.session_id, SessionState.CHECKED_IN)
    assert hall.registry.rooms[hall.session_id].room.sitting.state != "checked_in"
    citizen = await hall.client("petitioner")
    assert citizen.welcome["type"] == "welcome", citizen.welcome
    assert hall.registry.rooms[hall.session_id].room.sitting.state == "checked_in"


async def test_what_passes_by_itself_invites_to_come_again_and_leaves_nobody_behind(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any) -> None:
        raise Conflict

    monkeypatch.setattr(registry, "welcome", failing)
    refused = await knock(hall, "petitioner")
    assert await refused.closed() == 1013
    assert not hall.registry.rooms[hall.session_id].connections
    monkeypatch.setattr(registry, "welcome", welcome)
    assert (await hall.client("petitioner")).welcome["place"] == "lobby"
