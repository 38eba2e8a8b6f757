"""A room with everything around it: connections, its media worker, its rows, and coalesced pushes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from cases.policy import Action, Actor, allowed
from recordings.recording import activate_recording
from recordings.space import SpaceGauge
from scheduling.materials.showing import ENDED
from scheduling.materials.store import MaterialStore
from scheduling.session_events import add_event, append_event
from signaling.backlog import Backlog
from signaling.connection import Connection
from signaling.media_client import WorkerLink
from signaling.media_room import MediaRoom
from signaling.participant import Participant
from signaling.protocol import CloseCode, dump
from signaling.pushes import Push, QueueChanged, Relay, RoomChanged, SessionClosed
from signaling.quality_minutes import add_minutes
from signaling.queue_views import QueueView
from signaling.relays import Relays
from signaling.room import Room
from signaling.seat import change_seat
from signaling.stage import Showing
from signaling.troubles import Troubles

logger = logging.getLogger(__name__)
# At most ten full states a second (docs/protocol.md, `room`).
PUSH_INTERVAL = 0.1
# Pages ping every three seconds. Whose media is silent, too, has vanished without closing the socket.
VANISHED_SECONDS = 4.0
# While somebody's network is bad, officials read new figures this often.
FIGURES_INTERVAL = timedelta(seconds=5)


class LiveRoom:
    """Given: room, database, clock, folder of recordings, materials, a way to find a worker, a gauge.

    Owned: connections, backlog, media half.
    `lock` is held while a command changes the room, so that what is checked is still true when it is
    written and when it is shown.
    """

    def __init__(
        self,
        room: Room,
        database: Database,
        clock: Clock,
        recordings: Path,
        materials: MaterialStore,
        pick: Callable[[bool], WorkerLink | None],
        gauge: SpaceGauge,
    ) -> None:
        self.room = room
        self.database = database
        self.clock = clock
        self.recordings = recordings
        self.materials = materials
        self.gauge = gauge
        self.lock = asyncio.Lock()
        self.connections: dict[str, Connection] = {}
        # By which right each person came in last; kept while only the media is there.
        self.holders: dict[str, Actor] = {}
        self.media = MediaRoom(self, pick)
        self.backlog = Backlog(database)
        self.relays = Relays()
        self.troubles = Troubles()
        # How many sittings the office calls before this one; whoever knows the other rooms says it.
        self.count_before: Callable[[], int] = lambda: 0
        self._before = 0
        # Counts what was told to be new, so that who looks from outside knows whether to look again.
        self.version = 0
        self.empty_since: datetime | None = None
        # Who came since this process knows the room; the next time is a return.
        self.seen: set[str] = set()
        # Participant and command: what was noted as refused (refusals.py).
        self.refused: set[tuple[str, str]] = set()
        self._told: dict[str, QueueView] = {}
        self._presence: dict[str, str] = {}
        self._flushed_at = 0.0
        self._figures_at: datetime | None = None
        self._flush: asyncio.TimerHandle | None = None

    # Connections

    def attach(self, person: Participant, connection: Connection, actor: Actor) -> Connection | None:
        """The newest connection speaks for the seat; returns the one it replaces."""
        self.holders[person.id] = actor
        person.knows_names = allowed(actor, Action.KNOW_NAMES)
        old = self.connections.get(person.id)
        self.connections[person.id] = connection
        self._told.pop(person.id, None)
        self.empty_since = None
        return old

    def detach(self, person: Participant, connection: Connection) -> bool:
        """Forget the connection. False if another one took over already."""
        if self.connections.get(person.id) is not connection:
            return False
        del self.connections[person.id]
        return True

    # Telling

    def tell(self, participant_id: str, push: Push) -> None:
        """Push to one person, if connected and welcomed."""
        connection = self.connections.get(participant_id)
        if connection is not None and connection.greeted:
            connection.push(push)

    def tell_room(self, push: Push) -> None:
        """Push to everybody inside."""
        text = dump(push)
        for person in self.room.in_room():
            self._tell_text(person, text)

    def tell_listeners(self, push: Push) -> None:
        """Push to everybody who may know who speaks."""
        text = dump(push)
        for person in self.room.listeners():
            self._tell_text(person, text)

    def tell_officials(self, push: Push, speaker: Participant) -> None:
        """Push to the offices' side only; what is said in private stays with those who confer."""
        text = dump(push)
        for person in self.room.listeners(speaker):
            if person.official:
                self._tell_text(person, text)

    def tell_passing(self, text: str, speaker: Participant) -> None:
        """A frame that is worth nothing later, to all the others inside who are not behind."""
        for person in self.room.listeners(speaker):
            connection = self.connections.get(person.id)
            if person is not speaker and connection is not None and connection.greeted:
                connection.push_passing(text)

    def monotonic(self) -> float:
        """Seconds of a steady clock."""
        return asyncio.get_running_loop().time()

    def grant_relays(self, person: Participant) -> list[Relay]:
        """TURN servers for somebody inside, with credentials."""
        return self.relays.grant(person.id, self.room.sitting.ends_at, self.clock.now())

    def audience(self, person: Participant) -> tuple[bool, bool, bool]:
        """What of the room this person may know: the last arguments of `Room.view`."""
        # Whoever conducts the sitting knows who is in it.
        named = person.knows_names or person.role == "host"
        return person.official, self.room.is_apart(person), named

    def changed(self) -> None:
        """Push the full state soon; changes in the meantime ride along."""
        self.version += 1
        if self._flush is None:
            loop = asyncio.get_running_loop()
            self._flush = loop.call_at(max(loop.time(), self._flushed_at + PUSH_INTERVAL), self._push_state)

    def note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append a session event soon, in order."""
        session_id = self.room.sitting.id
        self.backlog.add(kind, lambda db: append_event(db, self.clock, session_id, kind, data=data))

    def note_showing(self, person: Participant, showing: Showing | None) -> None:
        """Append what happened on the stage, if anything, under the name of who showed something."""
        if showing is None:
            return
        session_id, who, kind, data = self.room.sitting.id, person.id, showing.kind, showing.data
        self.backlog.add(
            kind, lambda db: append_event(db, self.clock, session_id, kind, person.name, who, data)
        )

    def clear_stage(self, person: Participant | None, cause: str) -> None:
        """The document of this person is no longer shown; of who is stopped or goes, no material either."""
        if person is not None and cause not in ("stopped", "refused", "lost"):
            self.clear_exhibit(cause, person.id)
        if person is not None and self.room.stage.presenter == person.id:
            self.note_showing(person, self.room.stage.release(person.id, cause, self.clock.now()))
            self.changed()

    def clear_exhibit(self, cause: str, by: str | None = None) -> None:
        """Nothing is shown any more; with `by` only what this participant shows."""
        exhibit = self.room.exhibit
        if exhibit is None or by not in (None, exhibit.by):
            return
        self.room.exhibit = None
        session_id, data = self.room.sitting.id, exhibit.data() | {"cause": cause}
        work = partial(append_event, clock=self.clock, session_id=session_id, kind=ENDED)
        self.backlog.add(ENDED, lambda db: work(db, participant_id=exhibit.by, data=data))
        self.changed()

    def note_speeches(self) -> None:
        """Append who had the floor since the last time, in one event."""
        spans = self.room.speeches.take(self.clock.now())
        if spans is not None:
            self.note("speech.noted", spans)

    def keep_quality(self, all_of_it: bool = False) -> None:
        """Write the measured minutes that are over, at most one row a minute for each participant."""
        now, session_id = self.clock.now(), self.room.sitting.id
        taken = [person.quality.take(now, all_of_it) for person in self.room.people.values()]
        minutes = [minute for minute in taken if minute is not None]
        if minutes:
            self.backlog.add("quality", lambda db: add_minutes(db, session_id, minutes))

    def confirm_recording(self, recording_id: str) -> None:
        """Bytes of the recording are on disk: its row becomes active soon."""
        self.backlog.add("recording", lambda db: activate_recording(db, self.clock, recording_id))

    def _tell_text(self, person: Participant, text: str) -> None:
        connection = self.connections.get(person.id)
        if connection is not None and connection.greeted:
            connection.push_text(text)

    def _forget_flush(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None

    def _push_state(self) -> None:
        self._flush = None
        self._flushed_at = asyncio.get_running_loop().time()
        now = self.clock.now()
        texts = {
            audience: dump(RoomChanged(self.room.view(now, *audience)))
            for audience in {self.audience(person) for person in self.room.in_room()}
        }
        for person in self.room.in_room():
            self._tell_text(person, texts[self.audience(person)])
        self._push_queue()

    def queue_view(self, person: Participant) -> QueueView | None:
        """What a waiting person reads; None for everybody else."""
        return self.room.queue_view(person, self.count_before())

    def _push_queue(self) -> None:
        for person in self.room.in_lobby():
            view = self.queue_view(person)
            if view is not None and person.id in self.connections and self._told.get(person.id) != view:
                self._told[person.id] = view
                self.tell(person.id, QueueChanged(**vars(view)))

    # Writing

    async def write(
        self,
        person: Participant,
        kind: str | None = None,
        by: Participant | None = None,
        data: dict[str, Any] | None = None,
        **values: Any,
    ) -> None:
        """Change the person's seat and append the event, in one commit."""
        async with self.database.session() as db:
            if values:
                await change_seat(db, person.id, **values)
            if kind is not None:
                await add_event(
                    db, self.clock, self.room.sitting.id, kind,
                    actor_name=(by or person).name, participant_id=person.id, data=data,
                )  # fmt: skip
            await db.commit()

    def write_drop(self, person: Participant) -> None:
        """Note a dropped connection soon; a slow database holds nobody up."""

        async def work(db: AsyncSession) -> None:
            # As it is then: the person may be back already.
            await change_seat(db, person.id, absent_since=person.absent_since)
            await append_event(
                db, self.clock, self.room.sitting.id, "participant.dropped",
                actor_name=person.name, participant_id=person.id,
            )  # fmt: skip

        self.backlog.add("participant.dropped", work)

    # Time and the end

    def tick(self, now: datetime) -> None:
        """Called every second: presence and the queue change by time alone."""
        if self.room.tick(now):
            self.changed()
        self.room.hear_floor(now)
        if self.room.stage.forsaken(now):
            self.clear_stage(self.room.presenter, "lost")
        if self.room.speeches.due(now):
            self.note_speeches()
        self.keep_quality()
        self._refresh_figures(now)
        for person in self.room.people.values():
            connection = self.connections.get(person.id)
            quiet = connection is not None and connection.quiet_for >= VANISHED_SECONDS
            person.vanished = quiet and person.silent
        if (before := self.count_before()) != self._before:
            self._before = before
            self.changed()
        seen = {person.id: person.presence(now) for person in self.room.people.values()}
        if seen != self._presence:
            self._presence = dict(seen)
            self.changed()
        if self.connections:
            self.empty_since = None
        elif self.empty_since is None:
            self.empty_since = now

    def _refresh_figures(self, now: datetime) -> None:
        bad = any(person.quality.bad for person in self.room.in_room())
        if bad and (self._figures_at is None or now - self._figures_at >= FIGURES_INTERVAL):
            self._figures_at = now
            self.changed()

    def dismiss_one(self, person: Participant, push: Push, code: CloseCode) -> None:
        """Tell somebody why, and close their connection."""
        connection = self.connections.pop(person.id, None)
        if connection is not None:
            connection.push(push)
            connection.end(code)

    def dismiss(self, answering: Connection | None = None, by: Participant | None = None) -> None:
        """The sitting is over: tell everybody and close; `answering` still gets its answer first.

        The state that stays is told before, not soon: there is no later, and pages would show it as running.
        """
        self._forget_flush()
        self._push_state()
        words = self._words_of_end(by.name) if by is not None else ""
        for person_id, connection in list(self.connections.items()):
            person = self.room.people.get(person_id)
            official = person is not None and person.official
            connection.push(SessionClosed(words if official and person is not by else ""))
            if connection is answering:
                connection.end_after_answer(CloseCode.DONE)
            else:
                connection.end(CloseCode.DONE)

    def _words_of_end(self, name: str) -> str:
        recorded = self.room.badge.recording_id is not None
        if self.room.sitting.mediates:
            return f"{name}结束了调解，录音录像正在封存。" if recorded else f"{name}结束了调解。"
        return f"{name}结束了接访，录音录像正在封存。" if recorded else f"{name}结束了接访。"

    async def close(self) -> None:
        """Close connections and write what is still to be written; the worker keeps its room."""
        self._forget_flush()
        for connection in list(self.connections.values()):
            connection.end(CloseCode.GOING_AWAY)
        self.keep_quality(all_of_it=True)
        await self.backlog.close()
