"""A page reloaded while it still connects: nobody is turned away for having pressed reload."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMsgType

from cases.errors import Conflict
from cases.policy import SYSTEM
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from signaling import registry
from signaling.connection import Connection
from signaling.registry import welcome
from tests.signaling.hall import Client, Hall

AUTHENTICATE = {"version": 1, "publish_alive": False, "subscribe_alive": False}


async def knock(hall: Hall, who: str) -> Client:
    """A page that has sent its ticket and waits for the welcome."""
    client = await hall.socket()
    await client.send("authenticate", ticket=await hall.ticket(who), **AUTHENTICATE)
    return client


class Frames:
    """The socket of a page that has sent its ticket and says nothing more."""

    def __init__(self) -> None:
        text = json.dumps({"type": "authenticate", "id": 1, "ticket": "t", **AUTHENTICATE})
        self.frames = [SimpleNamespace(type=WSMsgType.TEXT, data=text)]

    async def receive(self) -> Any:
        return self.frames.pop()

    async def close(self, **_: Any) -> None:
        """Nobody is there any more."""


class Desk:
    """A door that takes its time, and the guest it lets in."""

    def __init__(self) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.steps: list[str] = []

    async def enter(self, *_: Any) -> Desk:
        self.reached.set()
        await self.go.wait()
        self.steps.append("seated")
        return self

    async def carry_out(self, _: Any) -> Any:
        raise AssertionError("no command was sent")

    def gone(self) -> None:
        self.steps.append("gone")


async def test_coming_in_is_finished_although_the_page_was_left_and_cancelled() -> None:
    """Half of it would be in the database and not in the room, which refuses whoever comes next."""
    desk = Desk()
    socket: Any = Frames()
    request: Any = None
    connection = Connection(socket, request, desk, lambda: None)
    serving = asyncio.create_task(connection.run())
    await asyncio.wait_for(desk.reached.wait(), 5)
    serving.cancel()
    await asyncio.sleep(0)
    desk.go.set()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert desk.steps == ["seated", "gone"]


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


@pytest.mark.parametrize("who", ["host", "joint_receptionist", "observer", "petitioner"])
async def test_whoever_reloads_at_any_stage_has_the_same_seat_again(hall: Hall, who: str) -> None:
    """Office, another tier, hall screen and station or telephone: left with the ticket in hand, with the
    socket open, with the ticket sent, while the picture is offered, and when connected."""
    client = await hall.client(who)
    seat, place = client.id, client.welcome["place"]
    await client.drop()
    for stage in ("ticket", "socket", "knocked", "offer", "connected"):
        if stage == "ticket":
            await hall.ticket(who)
        elif stage == "socket":
            await (await hall.socket()).drop()
        elif stage == "knocked":
            await (await knock(hall, who)).drop()
        else:
            left = await hall.client(who)
            offer = {"sdp": "x", "sources": {"0": "microphone", "1": "camera"}}
            await (left.send if stage == "offer" else left.ask)("publish", **offer)
            await left.drop()
        again = await hall.client(who)
        assert again.welcome["type"] == "welcome", (stage, again.welcome)
        assert (again.id, again.welcome["place"]) == (seat, place), stage
        await again.drop()
    room = hall.registry.rooms[hall.session_id].room
    assert [person.id for person in room.people.values()].count(seat) == 1
