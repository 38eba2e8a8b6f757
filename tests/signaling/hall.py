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
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import Database
from cases.policy import SYSTEM, Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.arrival.consent import record_consent
from scheduling.materials.store import MaterialStore
from scheduling.sessions.invitations import Invitation, Invitee, list_invitations
from scheduling.sessions.sessions import CreateSession, create_session
from signaling.registry import RoomRegistry
from signaling.routes import mount
from tests.clock import FixedClock
from tests.disk import Disk
from tests.factories import World, make_petition, make_world
from tests.signaling.fake_worker import FakeWorker

ORIGIN = "https://lianxin.test"
GUESTS = ["petitioner", "party", "proxy", "companion", "interpreter", "mediator", "third_party"]


class Hall:
    """Given: a migrated database. Owned: fake workers, registry, server, clients."""

    def __init__(self, database: Database, folder: Path, workers: int = 1) -> None:
        self.database = database
        self.folder = folder
        self.clock = FixedClock()
        self.workers = [FakeWorker(str(folder / f"media-{n}.sock")) for n in range(workers)]
        self.actors: dict[str, Actor] = {}
        self.session_id = ""
        self.gauge = Disk()
        self.clients: list[Client] = []
        self.registry: RoomRegistry
        self.world: World
        self.runner: web.AppRunner
        self.url = ""
        self.http: aiohttp.ClientSession

    @property
    def worker(self) -> FakeWorker:
        return self.workers[0]

    async def open(self) -> None:
        """Arranged first, where that was not done before: by `arrange`, or as another hall was."""
        if not self.actors:
            await self.arrange()
        for worker in self.workers:
            await worker.start()
        self.http = aiohttp.ClientSession()
        await self.start_web()

    async def start_web(self) -> None:
        """A new web process, as far as signaling goes."""
        paths = [worker.path for worker in self.workers]
        self.registry = RoomRegistry(
            self.database, self.clock, paths, self.folder / "recordings",
            MaterialStore(self.folder / "materials", self.folder / "key"), self.gauge,
        )  # fmt: skip
        await self.registry.start()
        app = web.Application()
        registry = self.registry
        mount(app, lambda _: registry, lambda _: [ORIGIN])
        # Not aiohttp's TestServer: that one cancels handlers, which no server of ours does.
        self.runner = web.AppRunner(app, shutdown_timeout=2)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/ws"

    async def kill_web(self) -> None:
        """The process is gone: nothing is said to anybody, nothing more is written."""
        for client in self.clients:
            await client.drop()
        self.clients.clear()
        await self.runner.cleanup()
        await self.registry.close()

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
        socket = await self.http.ws_connect(self.url, headers={"Origin": ORIGIN} | headers, max_msg_size=0)
        client = Client(socket)
        self.clients.append(client)
        return client

    async def ticket(self, who: str) -> str:
        async with self.database.session() as db:
            issued = await self.registry.issue_ticket(db, self.actors[who], self.session_id)
        return issued.ticket

    # The people

    def arranged_as(self, other: Hall) -> None:
        """The database holds what `other` has put into one of its kind."""
        self.world, self.session_id, self.actors = other.world, other.session_id, dict(other.actors)

    async def arrange(self) -> None:
        async with self.database.session() as db:
            world = self.world = await make_world(db, self.clock)
            petition = await make_petition(db, self.clock, world.xigu)
            starts_at = self.clock.now() + timedelta(minutes=10)
            office = world.xigu.id
            session = await create_session(
                db, self.clock, SYSTEM,
                CreateSession(
                    petition.id, office, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=40),
                    joint_organisation_ids=(world.city.id, world.province.id), invitees=invitees(office),
                ),
            )  # fmt: skip
            self.session_id = session.id
            self.actors["host"] = world.actor("xigu.receptionist")
            self.actors["joint_receptionist"] = world.actor("city.receptionist")
            self.actors["province"] = world.actor("province.receptionist")
            for invitation in await list_invitations(db, session.id):
                await self._hold(db, invitation)

    async def _hold(self, db: AsyncSession, invitation: Invitation) -> None:
        """The holder of this invitation's link, who agreed to being recorded."""
        role = str(invitation.role)
        self.actors[role] = Actor(
            kind=ActorKind.INVITEE, name=invitation.display_name, invitation_id=invitation.id,
            session_id=invitation.session_id, invitation_role=invitation.role,
        )  # fmt: skip
        if role in GUESTS:
            await record_consent(db, self.clock, self.actors[role], "1", "0" * 64)


def invitees(office: str) -> tuple[Invitee, ...]:
    """One of each role but host and joint receptionist, who sign in."""
    guests = [Invitee(InvitationRole(role), f"{role} name") for role in GUESTS if role != "petitioner"]
    officials = [
        Invitee(InvitationRole(role), f"{role} name", organisation_id=office)
        for role in ("department", "recorder", "observer")
    ]
    return (Invitee(InvitationRole.PETITIONER), *guests, *officials)


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

    async def _wait(self, ready: Callable[[], bool], timeout: float = 15) -> None:
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
