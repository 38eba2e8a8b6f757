"""A media worker without media: speaks media/control.py on a unix socket and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from media import control


@dataclass
class FakePerson:
    """What the worker holds of a participant."""

    may_publish: bool
    publish: str | None = None
    subscribe: str | None = None
    sources: dict[str, bool] = field(default_factory=dict)  # source -> muted
    offers: int = 0


@dataclass
class FakeRoom:
    """What the worker holds of a room."""

    people: dict[str, FakePerson] = field(default_factory=dict)
    recording: str | None = None
    groups: list[list[str]] = field(default_factory=list)
    bytes: int = 0


def kind_of(source: str) -> Any:
    return "audio" if source == "microphone" else "video"


class FakeWorker:
    """Answers at once; `kill` drops everything as a dead process does, `start` begins empty."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.rooms: dict[str, FakeRoom] = {}
        self.asked: list[control.Request] = []
        self.refuse: dict[str, str] = {}
        self.hold: set[str] = set()
        self.cpu = 0.0
        self.holds = asyncio.Event()
        self.empty = asyncio.Event()
        self.held: list[tuple[asyncio.StreamWriter, control.Request]] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def kill(self, keep_rooms: bool = False) -> None:
        """Without rooms: the process died. With rooms: only its control socket broke."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        if not keep_rooms:
            self.rooms.clear()
        await asyncio.sleep(0)

    def tell(self, event: control.Event) -> None:
        """Send an event to every controller."""
        for writer in self._writers:
            writer.write(control.dump_message(event))

    def release(self) -> None:
        """Answer what was held back."""
        self.hold.clear()
        for writer, request in self.held:
            self._answer(writer, request)
        self.held.clear()

    def confirm(self, room_id: str, size: int = 4096) -> None:
        """The recorder has bytes on disk."""
        room = self.rooms[room_id]
        assert room.recording is not None
        room.bytes += size
        self.tell(
            control.RecordingChanged(
                room_id=room_id,
                recording_id=room.recording,
                state="active",
                bytes_on_disk=room.bytes,
                tracks=1,
            )
        )

    def requests(self, kind: type[control.Request]) -> list[Any]:
        return [request for request in self.asked if isinstance(request, kind)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(control.LENGTH_BYTES)
                body = await reader.readexactly(control.frame_length(header))
                request = control.parse_message(body)
                assert isinstance(request, control.Request)
                if type(request).__name__ in self.hold:
                    self.held.append((writer, request))
                    self.holds.set()
                else:
                    self._answer(writer, request)
        self._writers.discard(writer)
        writer.close()

    def _answer(self, writer: asyncio.StreamWriter, request: control.Request) -> None:
        self.asked.append(request)
        name = type(request).__name__
        code = self.refuse.get(name)
        result: dict[str, Any] | None = None
        if code is None:
            try:
                result = getattr(self, f"_{name}")(request)
            except KeyError:
                code = "not_found"
        reply = control.Reply(
            request_id=request.request_id, ok=code is None, error_code=code, result=result or {}
        )
        writer.write(control.dump_message(reply))
        if code is None and isinstance(request, control.Subscribe):
            self.offer(request.room_id, request.participant_id)

    def offer(self, room_id: str, participant_id: str) -> None:
        """Offer everything the others publish."""
        room = self.rooms[room_id]
        person = room.people[participant_id]
        person.offers += 1
        tracks = [
            {"participant_id": other, "source": source, "kind": kind_of(source)}
            for other, each in room.people.items()
            for source in each.sources
            if other != participant_id
        ]
        self.tell(
            control.OfferMade(
                room_id=room_id,
                participant_id=participant_id,
                offer_id=person.offers,
                offer_sdp=f"offer {person.offers}",
                tracks=[{"mid": str(n), **track} for n, track in enumerate(tracks)],
            )
        )

    # One method per request

    def _CreateRoom(self, request: control.CreateRoom) -> None:
        self.rooms.setdefault(request.room_id, FakeRoom())

    def _CloseRoom(self, request: control.CloseRoom) -> None:
        self.rooms.pop(request.room_id, None)
        self.empty.set()

    def _AddParticipant(self, request: control.AddParticipant) -> None:
        self.rooms[request.room_id].people.setdefault(request.participant_id, FakePerson(request.may_publish))

    def _RemoveParticipant(self, request: control.RemoveParticipant) -> None:
        self.rooms[request.room_id].people.pop(request.participant_id, None)

    def _Publish(self, request: control.Publish) -> dict[str, Any]:
        person = self.rooms[request.room_id].people[request.participant_id]
        ended = person.sources.keys() - set(request.sources.values())
        person.sources = {str(source): False for source in request.sources.values()}
        person.publish = "connected"
        where = {"room_id": request.room_id, "participant_id": request.participant_id}
        self.tell(control.TransportChanged(**where, direction="publish", state="connected"))
        for state, sources in (("ended", ended), ("started", request.sources.values())):
            for source in sources:
                changed = control.PublicationChanged(
                    **where, source=source, kind=kind_of(source), state=state
                )
                self.tell(changed)
        return {"answer_sdp": f"answer to {request.offer_sdp}", "transport_id": "t1"}

    def _Subscribe(self, request: control.Subscribe) -> None:
        person = self.rooms[request.room_id].people[request.participant_id]
        person.subscribe = "connecting"

    def _AcceptOffer(self, request: control.AcceptOffer) -> None:
        person = self.rooms[request.room_id].people[request.participant_id]
        person.subscribe = "connected"
        self.tell(
            control.TransportChanged(
                room_id=request.room_id,
                participant_id=request.participant_id,
                direction="subscribe",
                state="connected",
            )
        )

    def _SetMuted(self, request: control.SetMuted) -> None:
        self.rooms[request.room_id].people[request.participant_id].sources[request.source] = request.muted

    def _SetWishes(self, request: control.SetWishes) -> None:
        """Nothing is sent here, so nothing is chosen."""

    def _SetPartition(self, request: control.SetPartition) -> None:
        self.rooms[request.room_id].groups = request.groups

    def _StartRecording(self, request: control.StartRecording) -> None:
        self.rooms[request.room_id].recording = request.recording_id
        self.tell(
            control.RecordingChanged(
                room_id=request.room_id, recording_id=request.recording_id, state="preparing"
            )
        )

    def _StopRecording(self, request: control.StopRecording) -> None:
        room = self.rooms[request.room_id]
        if room.recording is not None:
            self.tell(
                control.RecordingChanged(
                    room_id=request.room_id,
                    recording_id=room.recording,
                    state="stopped",
                    bytes_on_disk=room.bytes,
                )
            )
        room.recording = None

    def _Snapshot(self, request: control.Snapshot) -> dict[str, Any]:
        return {"worker_id": self.path, "rooms": [self._snapshot(*item) for item in self.rooms.items()]}

    def _snapshot(self, room_id: str, room: FakeRoom) -> dict[str, Any]:
        recording = {"recording_id": room.recording, "state": "active"} if room.recording else None
        return {
            "room_id": room_id,
            "recording": recording,
            "groups": room.groups,
            "participants": [
                {
                    "participant_id": participant_id,
                    "may_publish": person.may_publish,
                    "publish": person.publish,
                    "publish_path": "udp" if person.publish else None,
                    "subscribe_path": None,
                    "subscribe": person.subscribe,
                    "publications": [
                        {"source": source, "kind": "", "codec": "", "started": True, "muted": muted}
                        for source, muted in person.sources.items()
                    ],
                }
                for participant_id, person in room.people.items()
            ],
        }

    def _Load(self, request: control.Load) -> dict[str, Any]:
        return {"cpu": self.cpu, "rooms": len(self.rooms)}

    def _Statistics(self, request: control.Statistics) -> dict[str, Any]:
        return {"worker": {}, "rooms": {}}
