"""What each control request does to the rooms of a worker."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

from media import control
from media.control import ControlError, Request
from media.load import CpuShare, used
from media.memory import give_back
from media.outflow import read_wishes
from media.partition import read_groups
from media.portrait import snapshot, statistics
from media.room import Room
from media.surroundings import Surroundings
from media.sweep import Sweep

MOST_ROOMS = 200
MOST_TURNS = 10
Result = dict[str, Any]


class Commands:
    """The rooms, and a handler for every request class. Handlers raise ControlError to refuse."""

    def __init__(self, surroundings: Surroundings, worker_id: str) -> None:
        self.rooms: dict[str, Room] = {}
        self._surroundings = surroundings
        self._worker_id = worker_id
        self._cpu = CpuShare()
        self._sweep = Sweep()
        self._turn = 0
        self._handlers: dict[type[Request], Callable[[Any], Awaitable[Result]]] = {
            control.CreateRoom: self._create_room,
            control.CloseRoom: self._close_room,
            control.AddParticipant: self._add_participant,
            control.RemoveParticipant: self._remove_participant,
            control.Publish: self._publish,
            control.Subscribe: self._subscribe,
            control.AcceptOffer: self._accept_offer,
            control.SetMuted: self._set_muted,
            control.SetWishes: self._set_wishes,
            control.SetPartition: self._set_partition,
            control.StartRecording: self._start_recording,
            control.StopRecording: self._stop_recording,
            control.Snapshot: self._snapshot,
            control.Statistics: self._statistics,
            control.Load: self._load,
        }

    async def handle(self, request: Request) -> Result:
        """Carry out one request and give its result."""
        handler = self._handlers.get(type(request))
        if handler is None:
            raise ControlError("unknown", type(request).__name__)
        return await handler(request)

    @property
    def turns(self) -> int:
        """In how many turns all rooms have their tick, so that packets need not wait for all of them."""
        return max(1, min(MOST_TURNS, len(self.rooms)))

    def tick(self, now: float) -> None:
        """Let the rooms whose turn it is do what their time has come for."""
        if self._cpu.due(now):
            self._cpu.measure(used(), now)
            if self._sweep.due(self._surroundings.gate.departed, self._cpu.share, now):
                gc.collect()
                give_back()
        turns = self.turns
        self._turn = (self._turn + 1) % turns
        for room in list(self.rooms.values())[self._turn :: turns]:
            room.tick(now)

    async def close(self, reason: str) -> None:
        """Close all rooms."""
        rooms, self.rooms = list(self.rooms.values()), {}
        await asyncio.gather(*(room.close(reason) for room in rooms))

    def _room(self, room_id: str) -> Room:
        try:
            return self.rooms[room_id]
        except KeyError as exc:
            raise ControlError("not_found", "no such room") from exc

    async def _create_room(self, request: control.CreateRoom) -> Result:
        if request.room_id not in self.rooms:
            if len(self.rooms) >= MOST_ROOMS:
                raise ControlError("too_many", "the worker is full")
            self.rooms[request.room_id] = Room(request.room_id, self._surroundings)
        return {}

    async def _close_room(self, request: control.CloseRoom) -> Result:
        room = self.rooms.pop(request.room_id, None)
        if room is not None:
            await room.close(request.reason)
        return {}

    async def _add_participant(self, request: control.AddParticipant) -> Result:
        self._room(request.room_id).add(request.participant_id, request.may_publish)
        return {}

    async def _remove_participant(self, request: control.RemoveParticipant) -> Result:
        room = self.rooms.get(request.room_id)
        if room is not None:
            room.remove(request.participant_id, request.reason)
        return {}

    async def _publish(self, request: control.Publish) -> Result:
        return self._room(request.room_id).publish(request.participant_id, request.offer_sdp, request.sources)

    async def _subscribe(self, request: control.Subscribe) -> Result:
        self._room(request.room_id).subscribe(request.participant_id, request.restart)
        return {}

    async def _accept_offer(self, request: control.AcceptOffer) -> Result:
        room = self._room(request.room_id)
        room.accept_offer(request.participant_id, request.offer_id, request.answer_sdp)
        return {}

    async def _set_muted(self, request: control.SetMuted) -> Result:
        self._room(request.room_id).set_muted(request.participant_id, request.source, request.muted)
        return {}

    async def _set_wishes(self, request: control.SetWishes) -> Result:
        self._room(request.room_id).set_wishes(request.participant_id, read_wishes(request.wishes))
        return {}

    async def _set_partition(self, request: control.SetPartition) -> Result:
        self._room(request.room_id).part(read_groups(request.groups))
        return {}

    async def _start_recording(self, request: control.StartRecording) -> Result:
        await self._room(request.room_id).start_recording(request.recording_id, request.directory)
        return {}

    async def _stop_recording(self, request: control.StopRecording) -> Result:
        room = self.rooms.get(request.room_id)
        if room is not None:
            await room.stop_recording(request.reason)
        return {}

    async def _snapshot(self, request: control.Snapshot) -> Result:
        return {"worker_id": self._worker_id, "rooms": [snapshot(room) for room in self.rooms.values()]}

    async def _load(self, request: control.Load) -> Result:
        return {"cpu": round(self._cpu.share, 3), "rooms": len(self.rooms)}

    async def _statistics(self, request: control.Statistics) -> Result:
        gate = self._surroundings.gate
        worker = {
            "received": sum(port.received for port in gate.udp_ports),
            "sent": sum(port.sent for port in gate.udp_ports),
            "dropped_full": sum(port.dropped for port in gate.udp_ports),
            "oversized": sum(port.oversized for port in gate.udp_ports),
            "tasks": len(asyncio.all_tasks()),
            **gate.counters,
        }
        return {"worker": worker, "rooms": {key: statistics(room) for key, room in self.rooms.items()}}
