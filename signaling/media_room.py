"""The half of a live room that stands on a media worker: placing, forming, re-forming, and what it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, cast, get_args

from cases.clock import Clock
from cases.errors import RuleError
from media.control import (
    AcceptOffer,
    AddParticipant,
    CloseRoom,
    CreateRoom,
    Publish,
    RemoveParticipant,
    SetMuted,
    SetPartition,
    SetWishes,
    StartRecording,
    StopRecording,
    Subscribe,
)
from signaling.commands import Source
from signaling.deliberation import groups_of
from signaling.media_client import Overloaded, Unavailable, WorkerLink
from signaling.participant import Participant
from signaling.pushes import MediaLost, MediaRestored, MediaState, Push
from signaling.rights import Right
from signaling.room import BadState, Room
from signaling.stage import Showing

logger = logging.getLogger(__name__)
# A worker that only lost its control socket may still write the recording, so its rooms are placed
# elsewhere only after it had time to come back.
SAME_WORKER_SECONDS = 5.0


class Audience(Protocol):
    """What the media half needs of the live room."""

    room: Room
    clock: Clock

    def tell(self, participant_id: str, push: Push) -> None:
        """Push to one person."""

    def tell_room(self, push: Push) -> None:
        """Push to everybody inside."""

    def tell_listeners(self, push: Push) -> None:
        """Push to everybody who may know who speaks."""

    def changed(self) -> None:
        """The room looks different now."""

    def note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Append a session event soon."""

    def note_showing(self, person: Participant, showing: Showing | None) -> None:
        """Append what happened on the stage soon."""

    def clear_stage(self, person: Participant | None, cause: str) -> None:
        """The document of this person is no longer shown."""

    def confirm_recording(self, recording_id: str) -> None:
        """Bytes of the recording are on disk."""


class MediaRoom:
    """Given: the audience, and how to find a worker. Owned: the room on that worker."""

    def __init__(self, audience: Audience, pick: Callable[[bool], WorkerLink | None]) -> None:
        self._audience = audience
        self._room = audience.room
        self._pick = pick
        self._forming = asyncio.Lock()
        self._formed = False
        self._owed = False
        # The partition that the worker has confirmed.
        self._parted: list[list[str]] = []
        self._lost_at: float | None = None
        self.link: WorkerLink | None = None

    @property
    def room_id(self) -> str:
        """The session's id is the room's on the worker."""
        return self._room.sitting.id

    @property
    def standing(self) -> bool:
        """Can people publish and subscribe now?"""
        return self._formed and self.link is not None and self.link.connected

    # People

    async def let_in(self, person: Participant) -> None:
        """Somebody is in the room now. A missing worker is made good later by `media_restored`."""
        try:
            if self.standing:
                await self._add(person)
            else:
                await self.ensure()
        except Unavailable:
            self._owed = True

    async def let_out(self, person: Participant, reason: str) -> None:
        """Somebody is out: their transports end at once."""
        person.lose_media()
        self._audience.clear_stage(person, reason)
        await self._try(RemoveParticipant(room_id=self.room_id, participant_id=person.id, reason=reason))

    async def publish(self, person: Participant, sdp: str, sources: dict[str, Source]) -> str:
        """Pass the offer on; returns the answer. Raises RuleError bad_sdp, bad_state, media_unavailable."""
        if person.publishing:
            raise BadState(message="上一次协商还没有完成")
        person.publishing = True
        try:
            await self.ensure()
            result = await self._ask(
                Publish(room_id=self.room_id, participant_id=person.id, offer_sdp=sdp, sources=sources)
            )
        finally:
            person.publishing = False
        if person.publish_state == "none":
            person.publish_state = "connecting"
        return str(result["answer_sdp"])

    async def subscribe(self, person: Participant) -> None:
        """Start the subscribe transport anew; the worker's offer follows."""
        await self.ensure()
        person.pending_offer, person.subscribe_state = None, "connecting"
        await self._ask(Subscribe(room_id=self.room_id, participant_id=person.id))

    async def accept(self, person: Participant, offer_id: int, sdp: str) -> None:
        """Pass an answer on. Raises BadState when it answers no open offer."""
        offer = person.pending_offer
        stale = offer is not None and offer.offer_id != offer_id
        if stale or person.subscribe_state == "none":
            raise BadState(message="这个音视频协商已经过期")
        request = AcceptOffer(
            room_id=self.room_id, participant_id=person.id, offer_id=offer_id, answer_sdp=sdp
        )
        await self._ask(request)
        if person.pending_offer is offer:
            person.pending_offer = None

    async def watch(self, person: Participant, tiles: list[dict[str, Any]]) -> None:
        """How they show the others; forgotten with the worker, the page tells it again."""
        await self._try(SetWishes(room_id=self.room_id, participant_id=person.id, wishes=tiles))

    async def lock(self, person: Participant, source: Source, muted: bool) -> None:
        """Stop or resume forwarding a source; a worker that comes back is told again."""
        dropped = muted or person.blocked(source)
        await self._try(
            SetMuted(room_id=self.room_id, participant_id=person.id, source=source, muted=dropped)
        )

    async def relock(self, person: Participant) -> None:
        """Tell the worker anew what of this person it drops; one that is away is told when it comes back."""
        for source in get_args(Source):
            await self.lock(person, source, muted=False)

    async def settle_locks(self, person: Participant) -> None:
        """The same, confirmed. Raises Unavailable. Who waits has nothing on the worker."""
        if person.place != "room" or not self.standing:
            return
        for source in get_args(Source):
            await self._ask(
                SetMuted(
                    room_id=self.room_id, participant_id=person.id, source=source,
                    muted=person.blocked(source),
                )
            )  # fmt: skip

    async def part(self) -> None:
        """Let only those hear each other who confer; it holds when this returns. Raises Unavailable."""
        await self.ensure()
        await self._settle_partition()

    async def unpart(self) -> None:
        """Open the room; where the worker does not answer, `retry` asks again."""
        self._parted = [[]]  # Whatever the worker has: it is asked until it has confirmed.
        try:
            await self._settle_partition()
        except RuleError as error:
            logger.warning("Opening the room is tried again: %s", error)

    async def _settle_partition(self) -> None:
        wanted = groups_of(self._room.deliberation)
        await self._ask(SetPartition(room_id=self.room_id, groups=wanted))
        self._parted = wanted

    # Recording

    async def start_recording(self) -> None:
        """Record under the badge's number; the badge turns faulty where that is impossible."""
        try:
            await self.ensure()
            await self._record()
        except Unavailable:
            self._owed = True
            self._fault("media_lost")

    async def stop_recording(self, reason: str) -> None:
        """Write everything out; returns when the worker has."""
        await self._try(StopRecording(room_id=self.room_id, reason=reason))

    # Standing on a worker

    async def ensure(self) -> None:
        """Place and form the room if it does not stand. Raises Unavailable."""
        async with self._forming:
            if self.standing:
                return
            link = self.link if self.link is not None and self.link.connected else self._other()
            if link is None:
                self._owed = True
                raise Unavailable()
            await self._form(link)

    async def find_place(self) -> None:
        """Raises Overloaded when there is none; a worker that is merely away comes back by itself."""
        try:
            await self.ensure()
        except Overloaded:
            raise
        except Unavailable:
            return

    async def close(self, reason: str) -> None:
        """The room ends on the worker."""
        await self._try(CloseRoom(room_id=self.room_id, reason=reason))
        self._formed, self.link, self._owed = False, None, False

    def lost(self, link: WorkerLink) -> None:
        """The worker is gone: tell everybody at once."""
        if self.link is not link or not self._formed:
            return
        self._formed, self._owed = False, True
        self._lost_at = asyncio.get_running_loop().time()
        for person in self._room.people.values():
            person.lose_media()
        self._room.badge.fault("media_lost")
        self._room.stage.darken(self._audience.clock.now())
        self._audience.note("media.interrupted", {"cause": "worker_lost"})
        self._audience.tell_room(MediaLost())
        self._audience.changed()

    async def came(self, link: WorkerLink, snapshot: dict[str, Any] | None) -> None:
        """The worker answers again, holding the room still (its socket broke, or we were away) or not."""
        async with self._forming:
            if self.standing or (self.link is not None and self.link is not link):
                return
            if snapshot is not None:
                await self._adopt(link, snapshot)
            elif self._owed:
                await self._form(link)

    async def retry(self) -> None:
        """Called every second: place a room that lost its worker, once there is one."""
        if self.standing and self._parted != groups_of(self._room.deliberation):
            await self._settle_partition()
        if not self._owed or self.standing:
            return
        try:
            await self.ensure()
        except Unavailable:
            return

    def _other(self) -> WorkerLink | None:
        waited = self._lost_at is None or (
            asyncio.get_running_loop().time() - self._lost_at >= SAME_WORKER_SECONDS
        )
        if self.link is not None and not waited:
            return None
        try:
            return self._pick(self.link is None)
        except Overloaded:
            self._owed = True
            raise

    async def _form(self, link: WorkerLink) -> None:
        self.link = link
        await link.request(CreateRoom(room_id=self.room_id))
        self._parted = []
        if self._room.deliberation is not None:
            await self._settle_partition()  # Before anybody is let in.
        for person in self._room.in_room():
            await self._add(person)
        await self._stand()

    async def _adopt(self, link: WorkerLink, snapshot: dict[str, Any]) -> None:
        """Take over a room that goes on: what the worker holds is kept, what it lacks is added."""
        self.link = link
        held: dict[str, dict[str, Any]] = {
            person["participant_id"]: person for person in snapshot.get("participants", [])
        }
        self._parted = [list(group) for group in snapshot.get("groups", [])]
        if self._parted != groups_of(self._room.deliberation):
            await self._settle_partition()
        inside = {person.id: person for person in self._room.in_room()}
        for stranger in held.keys() - inside.keys():
            await self._ask(RemoveParticipant(room_id=self.room_id, participant_id=stranger))
        for person in inside.values():
            remember(person, held.get(person.id, {}))
            if person.switch("screen").published:
                self._room.stage.restore(person.id, self._audience.clock.now())
            await self._add(person)
        await self._stand()

    async def _stand(self) -> None:
        """Common end of forming and adopting: record on, and tell who was waiting."""
        self._formed, self._lost_at = True, None
        owed, self._owed = self._owed, False
        if self._room.badge.state not in ("off", "paused", "stopped"):
            await self._record()
        if owed:
            self._tell_restored()
        self._audience.changed()

    async def _record(self) -> None:
        """Raises Unavailable; any other refusal of the worker is a fault that everybody sees."""
        badge = self._room.badge
        if badge.recording_id is None:
            return
        request = StartRecording(
            room_id=self.room_id, recording_id=badge.recording_id, directory=badge.directory
        )
        try:
            await self._ask(request)
        except Unavailable:
            raise
        except RuleError:
            self._fault("recorder_failed")

    def _fault(self, cause: str) -> None:
        self._room.badge.fault(cause)
        self._audience.note("recording.faulty", {"cause": cause})
        self._audience.changed()

    def _tell_restored(self) -> None:
        self._audience.note("media.restored", {"cause": "room_formed_again"})
        for person in self._room.in_room():
            needs = person.media_needs(publish_alive=True, subscribe_alive=True)
            self._audience.tell(person.id, MediaRestored(needs.publish_needed, needs.subscribe_needed))

    async def _add(self, person: Participant) -> None:
        may_publish = Right.PUBLISH in person.rights
        await self._ask(
            AddParticipant(room_id=self.room_id, participant_id=person.id, may_publish=may_publish)
        )
        for source in get_args(Source):
            if person.blocked(source):
                await self.lock(person, source, muted=True)

    async def _ask(self, request: Any) -> dict[str, Any]:
        if self.link is None:
            raise Unavailable()
        return await self.link.request(request)

    async def _try(self, request: Any) -> None:
        """For acts that a missing worker makes needless: it forgot the room with its death."""
        try:
            await self._ask(request)
        except RuleError as error:
            logger.info("%s: %s", type(request).__name__, error)


def remember(person: Participant, held: dict[str, Any]) -> None:
    """What a worker's snapshot knows of a person's media."""
    person.publish_state = _state(held.get("publish"))
    person.subscribe_state = _state(held.get("subscribe"))
    for publication in held.get("publications", []):
        person.switch(cast(Source, publication["source"])).published = bool(publication["started"])


def _state(text: Any) -> MediaState:
    return cast(MediaState, text) if text in ("connecting", "connected", "silent") else "none"
