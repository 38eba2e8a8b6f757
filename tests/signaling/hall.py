"""A whole reception for tests: one session with everybody invited, a real server, real WebSocket clients."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from cases.casefile import Channel
from cases.database import Database
from cases.lanzhou import seed_lanzhou
from cases.people import Appoint, CreateOfficial, PersonDetails, appoint, create_official, get_official
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM, Actor, ActorKind
from cases.roles import InvitationRole, Role
from cases.signin import actor_for
from scheduling.arrival import record_consent
from scheduling.invitations import Invitee, list_invitations
from scheduling.sessions import CreateSession, create_session
from signaling.registry import RoomRegistry
from signaling.routes import mount
from tests.clock import FixedClock
from tests.signaling.fake_worker import FakeWorker

ORIGIN = "https://lianxin.test"
GUESTS = ["petitioner", "proxy", "companion", "interpreter", "third_party"]
TEST_SECRET = "Lanzhou-2026-test"


class Hall:
    """Given: a migrated database. Owned: fake workers, registry, server, clients."""

    def __init__(self, database: Database, folder: Path, workers: int = 1) -> None:
        self.database = database
        self.folder = folder
        self.clock = FixedClock()
        self.workers = [FakeWorker(str(folder / f"media-{n}.sock")) for n in range(workers)]
        self.actors: dict[str, Actor] = {}
        self.session_id = ""
        self.clients: list[Client] = []
        self.registry: RoomRegistry
        self.server: TestServer
        self.http: aiohttp.ClientSession

    @property
    def worker(self) -> FakeWorker:
        return self.workers[0]

    async def open(self) -> None:
        await self._arrange()
        for worker in self.workers:
            await worker.start()
        self.http = aiohttp.ClientSession()
        await self.start_web()

    async def start_web(self) -> None:
        """A new web process, as far as signaling goes."""
        paths = [worker.path for worker in self.workers]
        self.registry = RoomRegistry(self.database, self.clock, paths, self.folder / "recordings")
        await self.registry.start()
        app = web.Application()
        registry = self.registry
        mount(app, lambda _: registry, lambda _: [ORIGIN])
        self.server = TestServer(app)
        await self.server.start_server()

    async def kill_web(self) -> None:
        """The process is gone: nothing is said to anybody, nothing more is written."""
        for client in self.clients:
            await client.drop()
        self.clients.clear()
        await self.registry.close()
        await self.server.close()

    async def close(self) -> None:
        await self.kill_web()
        await self.http.close()
        for worker in self.workers:
            await worker.kill()

    async def client(self, who: str, alive: bool = False) -> Client:
        """Somebody who is in: ticket, socket, authenticate, welcome."""
        self.clock.advance(seconds=1)
        client = await self.socket()
        client.welcome = await client.authenticate(await self.ticket(who), alive)
        return client

    async def socket(self, **headers: str) -> Client:
        socket = await self.http.ws_connect(
            self.server.make_url("/ws"), headers={"Origin": ORIGIN} | headers, max_msg_size=0
        )
        client = Client(socket)
        self.clients.append(client)
        return client

    async def ticket(self, who: str) -> str:
        async with self.database.session() as db:
            issued = await self.registry.issue_ticket(db, self.actors[who], self.session_id)
        return issued.ticket

    # The people

    async def _arrange(self) -> None:
        async with self.database.session() as db:
            offices = await seed_lanzhou(db)
            officials = {}
            for name, code in {"host": "620104", "joint_receptionist": "6201", "province": "62"}.items():
                command = CreateOfficial(name.replace("_", "-"), f"{name} name", TEST_SECRET)
                official = await create_official(db, self.clock, SYSTEM, command)
                await appoint(db, self.clock, SYSTEM, Appoint(official.id, offices[code].id, Role.RECEPTIONIST))
                officials[name] = official.id
            host = offices["620104"]
            register = RegisterPetition(
                Channel.VISIT, "四季青街道供热问题", "供热不足", PersonDetails("王小明", "13900000000"), host.id
            )
            petition, _ = await register_petition(db, self.clock, SYSTEM, register)
            invitees = [Invitee(InvitationRole(role), f"{role} name") for role in GUESTS if role != "petitioner"]
            invitees += [
                Invitee(InvitationRole.PETITIONER),
                Invitee(InvitationRole.DEPARTMENT, "department name", organisation_id=host.id),
                Invitee(InvitationRole.RECORDER, "recorder name", organisation_id=host.id),
                Invitee(InvitationRole.OBSERVER, "observer name"),
            ]
            session = await create_session(
                db, self.clock, SYSTEM,
                CreateSession(
                    petition.id, host.id,
                    starts_at=self.clock.now() + timedelta(minutes=10),
                    ends_at=self.clock.now() + timedelta(minutes=50),
                    joint_organisation_ids=(offices["6201"].id, offices["62"].id),
                    invitees=tuple(invitees),
                ),
            )  # fmt: skip
            self.session_id = session.id
            for name, official_id in officials.items():
                self.actors[name] = actor_for(await get_official(db, official_id))
            for invitation in await list_invitations(db, session.id):
                actor = Actor(
                    kind=ActorKind.INVITEE, name=invitation.display_name, invitation_id=invitation.id,
                    session_id=session.id, invitation_role=invitation.role,
                )  # fmt: skip
                self.actors[str(invitation.role)] = actor
                if str(invitation.role) in GUESTS:
                    await record_consent(db, self.clock, actor, "1", "0" * 64)


class Client:
    """A browser's WebSocket: commands, answers, pushes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}
        self.pushes: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @property
    def id(self) -> str:
        return str(self.welcome["participant_id"])

    @property
    def room(self) -> dict[str, Any]:
        """The newest state this client was told."""
        for push in reversed(self.pushes):
            if push["type"] in ("room", "welcome"):
                return dict(push["room"])
        raise AssertionError("no room was told")

    async def authenticate(self, ticket: str, alive: bool = False, **other: Any) -> dict[str, Any]:
        await self.send(
            "authenticate",
            **{"version": 1, "ticket": ticket, "publish_alive": alive, "subscribe_alive": alive} | other,
        )
        return await self.until(lambda push: push["type"] in ("welcome", "error"))

    async def send(self, type_: str, **fields: Any) -> int:
        number = next(self._ids)
        await self.socket.send_str(json.dumps({"type": type_, "id": number, **fields}))
        return number

    async def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send and wait for the answer."""
        number = await self.send(type_, **fields)
        await self._wait(lambda: number in self._answers)
        return self._answers.pop(number)

    async def until(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 5) -> dict[str, Any]:
        """The first push, past or future, that is wanted."""
        await self._wait(lambda: any(wanted(push) for push in self.pushes), timeout)
        return next(push for push in self.pushes if wanted(push))

    async def push(self, type_: str, timeout: float = 5) -> dict[str, Any]:
        return await self.until(lambda push: push["type"] == type_, timeout)

    async def room_where(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the newest room state is wanted."""

        def ready() -> bool:
            try:
                return wanted(self.room)
            except LookupError:
                return False

        await self._wait(ready)
        return self.room

    async def closed(self, timeout: float = 5) -> int | None:
        """The close code, once the server ended the connection."""
        await asyncio.wait_for(asyncio.shield(self._reader), timeout)
        return self.socket.close_code

    async def drop(self) -> None:
        """Lose the connection without a word."""
        transport = self.socket.get_extra_info("socket") and self.socket._response.connection
        if transport is not None and transport.transport is not None:
            transport.transport.abort()
        self._reader.cancel()
        await asyncio.wait({self._reader})

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            data = json.loads(message.data)
            if data["type"] in ("ok", "pong", "error") and data["id"] is not None:
                self._answers[data["id"]] = data
            if data["type"] not in ("ok", "pong"):
                self.pushes.append(data)
            self._news.set()
        self._news.set()

    async def _wait(self, ready: Callable[[], bool], timeout: float = 5) -> None:
        async with asyncio.timeout(timeout):
            while not ready():
                self._news.clear()
                await self._news.wait()


def find(room: dict[str, Any], participant_id: str, where: str = "participants") -> dict[str, Any]:
    """One person in a room state."""
    for person in room[where]:
        if person["participant_id"] == participant_id:
            return dict(person)
    raise LookupError(participant_id)


def names(room: dict[str, Any], where: str = "participants") -> list[str]:
    return [person["participant_id"] for person in room[where]]
