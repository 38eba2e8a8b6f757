"""All live rooms, by session id. Rebuilds a room from the database and what its worker still holds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from cases.errors import NotFound, RuleError
from cases.policy import Actor
from cases.signin import DEFAULT_RULES, SignInRules
from media.control import CloseRoom, Event
from recordings.space import SpaceGauge
from scheduling.materials.store import MaterialStore
from signaling import sittings
from signaling.admission import Admission, IssuedTicket, TicketBook, issue_ticket
from signaling.attendee import Attendee
from signaling.commands import Authenticate
from signaling.connection import Connection
from signaling.duties import attend
from signaling.entrance import build_room, seat_person, welcome, welcome_to_the_end
from signaling.line import turns_before
from signaling.line_test import LineTests
from signaling.live import LiveRoom
from signaling.media_client import MediaWorkers, WorkerLink
from signaling.media_events import hear
from signaling.moving import release
from signaling.protocol import CloseCode, ErrorCode
from signaling.pushes import Replaced
from signaling.relays import Relays
from signaling.succession import succession_at
from signaling.watch import Watch

logger = logging.getLogger(__name__)
CONNECTIONS_PER_PERSON = 5
# An empty room is forgotten after this long; its seats stay in the database.
EMPTY_KEPT = timedelta(minutes=10)
TICK_SECONDS = 1.0
SHORTEST_TICK = 0.02


class RoomRegistry:
    """Given: database, clock, the workers' socket paths, the folder of recordings, materials, a gauge, rules.

    Owned: rooms, links to workers, tickets, a ticker. It is the `Door` of connections and the
    `WorkerListener` of links.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        worker_sockets: Iterable[str],
        recordings: Path,
        materials: MaterialStore,
        gauge: SpaceGauge,
        sign_in_rules: SignInRules = DEFAULT_RULES,
    ) -> None:
        self.database = database
        self.clock = clock
        self.recordings = recordings
        self.materials = materials
        self.gauge = gauge
        self.tickets = TicketBook()
        self.relays = Relays()  # Replaced by whoever has a TURN server.
        self.workers = MediaWorkers(worker_sockets, self)
        self.line_tests = LineTests(self.workers.pick, time.monotonic)
        self.rooms: dict[str, LiveRoom] = {}
        self._watch = Watch(database, clock, sign_in_rules)
        self._building = asyncio.Lock()
        self._people: dict[Connection, str] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect to the workers and take over the rooms they still hold."""
        await self.workers.start()
        self._ticker = asyncio.create_task(self._tick(), name="rooms ticker")

    async def close(self) -> None:
        """Close connections and links; workers keep rooms and recordings going for the next web process."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait({self._ticker})
        for live in list(self.rooms.values()):
            await live.close()
        await self.line_tests.close()
        await self.workers.close()

    async def issue_ticket(
        self, db: AsyncSession, actor: Actor, session_id: str | None = None
    ) -> IssuedTicket:
        """For the ticket addresses of web/; see `admission.issue_ticket`."""
        return await issue_ticket(db, self.clock, self.tickets, actor, session_id)

    def pulse(self) -> int:
        """Differs as soon as any room says something new or has written something down."""
        rooms = self.rooms.items()
        return hash(tuple((id_, live.version, live.backlog.written) for id_, live in rooms))

    # Connections

    async def enter(self, connection: Connection, command: Authenticate) -> Attendee | None:
        """Redeem the ticket, take the seat, replace an older connection, say welcome."""
        admission = self.tickets.redeem(command.ticket, self.clock.now())
        self._count(connection, admission.actor)
        live = await self._live(admission.session_id)
        if live is None:
            await welcome_to_the_end(self.database, self.clock, connection, admission)
            return None
        async with live.lock:
            return await self._sit_down(live, connection, admission, command)

    def forget(self, connection: Connection) -> None:
        """The connection is gone; its person may open another."""
        self._people.pop(connection, None)

    async def session_moved(self, session_id: str) -> None:
        """Somebody changed the session outside the room (a page cancelled it): take it over, or end."""
        live = self.rooms.get(session_id)
        if live is None:
            return
        async with live.lock, self.database.session() as db:
            live.room.sitting = await sittings.load_sitting(db, session_id)
        if live.room.sitting.ended:
            await self._end(live)
        live.changed()

    async def device_released(self, session_id: str, invitation_id: str) -> None:
        """An official let somebody in on another device: the first one is told, and can do nothing more."""
        self.tickets.withdraw(invitation_id)
        live = self.rooms.get(session_id)
        if live is not None:
            await release(live, invitation_id)

    async def _sit_down(
        self, live: LiveRoom, connection: Connection, admission: Admission, command: Authenticate
    ) -> Attendee:
        person = await seat_person(live, admission)
        old = live.attach(person, connection, admission.actor)
        if old is not None:
            old.push(Replaced())
            old.end(CloseCode.REPLACED)
        guest = Attendee(live, person, admission.actor, connection)
        try:
            await welcome(live, person, connection, command)
        except BaseException:
            guest.gone()  # Otherwise the others would see somebody present who was never let in.
            raise
        return guest

    def _count(self, connection: Connection, actor: Actor) -> None:
        kind = "official" if actor.official_id else "invitation"
        key = f"{kind}:{actor.official_id or actor.invitation_id}"
        if Counter(self._people.values())[key] >= CONNECTIONS_PER_PERSON:
            raise RuleError(ErrorCode.TOO_FAST, "您打开的页面太多，请先关闭几个")
        self._people[connection] = key

    # Rooms

    async def _live(self, session_id: str) -> LiveRoom | None:
        """The live room, built if need be; None when the session is over."""
        async with self._building:
            live = self.rooms.get(session_id)
            if live is None:
                room = await build_room(self.database, self.clock, session_id, self.recordings)
                if room.sitting.ended:
                    return None
                pick = self.workers.pick
                live = LiveRoom(
                    room, self.database, self.clock, self.recordings, self.materials, pick, self.gauge
                )
                live.relays = self.relays
                live.count_before = partial(self._count_before, live)
                self.rooms[session_id] = live
            return None if live.room.sitting.ended else live

    def _count_before(self, live: LiveRoom) -> int:
        return turns_before(live.room, (each.room for each in self.rooms.values()), self.clock.now())

    async def _end(self, live: LiveRoom) -> None:
        await sittings.finish(live, live.room.sitting.state)
        live.dismiss()

    # Workers

    async def worker_came(self, link: WorkerLink, rooms: dict[str, dict[str, Any]]) -> None:
        """Take over what it holds, end what nobody needs, form again what it lost."""
        for room_id, snapshot in rooms.items():
            await self._take_over(link, room_id, snapshot)
        for live in list(self.rooms.values()):
            if live.room.sitting.id not in rooms and live.media.link is link:
                await live.media.came(link, None)

    async def _take_over(self, link: WorkerLink, room_id: str, snapshot: dict[str, Any]) -> None:
        try:
            live = await self._live(room_id)
        except NotFound:
            live = None
        if live is None or (live.media.link not in (None, link)):
            await link.request(CloseRoom(room_id=room_id, reason="not_needed"))
            return
        await live.media.came(link, snapshot)

    def worker_said(self, link: WorkerLink, event: Event) -> None:
        """Pass an event to its room."""
        live = self.rooms.get(event.room_id)
        if live is None:
            self.line_tests.hear(link, event)
        elif live.media.link is link:
            hear(live, event, self.clock.now())

    async def worker_lost(self, link: WorkerLink) -> None:
        """Tell every room on it at once."""
        self.line_tests.lost(link)
        for live in list(self.rooms.values()):
            live.media.lost(link)

    # Time

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._pause())
            now = self.clock.now()
            for session_id, live in list(self.rooms.items()):
                try:
                    await self._look_after(session_id, live, now)
                except Exception:
                    logger.exception("Looking after the room of session %s failed", session_id)
            try:
                await self._watch.look(list(self.rooms.values()))
            except Exception:
                logger.exception("Looking who may still be there failed")

    def _pause(self) -> float:
        """Seconds to the next look: a countdown ends on the second, what goes wrong is missed in time."""
        now = self.clock.now()
        ends = [
            at
            for live in self.rooms.values()
            for at in (live.room.returns_at, succession_at(live.room, now), live.troubles.due)
            if at
        ]
        left = [(at - now).total_seconds() for at in ends]
        return max(SHORTEST_TICK, min([TICK_SECONDS, *left]))

    async def _look_after(self, session_id: str, live: LiveRoom, now: datetime) -> None:
        live.tick(now)
        try:
            await attend(live, now)
        except (RuleError, SQLAlchemyError, OSError):
            logger.exception("What time brings about in the room of session %s failed", session_id)
        if live.room.returns_at is not None:
            async with live.lock:
                await sittings.come_back(live)
        with contextlib.suppress(RuleError):
            await live.media.retry()
        if live.room.sitting.ended and not live.connections:
            del self.rooms[session_id]
        elif self._is_idle(live, now):
            del self.rooms[session_id]
            await live.media.close("empty")

    @staticmethod
    def _is_idle(live: LiveRoom, now: datetime) -> bool:
        sitting = live.room.sitting.state in ("live", "paused")
        return not sitting and live.empty_since is not None and now - live.empty_since > EMPTY_KEPT
