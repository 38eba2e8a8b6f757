"""Our media worker as the bench sees it: its process, and rooms on it through the control socket."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any, Self

from bench.peer import SOURCES, Peer
from media.client import ControlClient
from media.control import (
    AcceptOffer,
    AddParticipant,
    ControlError,
    CreateRoom,
    Event,
    OfferMade,
    Publish,
    RecordingChanged,
    RemoveParticipant,
    StartRecording,
    Statistics,
    StopRecording,
    Subscribe,
)

START_TIMEOUT = 15.0


class WorkerProcess:
    """A real media worker with the real recorder, started as a child process.

    `core` pins it to one core; `module` may be another that takes the same arguments. Ended with SIGTERM,
    then SIGKILL after 5 s.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        address: str = "127.0.0.1",
        core: int | None = None,
        module: str = "bench.worker",
    ) -> None:
        self._module = module
        self.directory = directory
        self.port = port
        self.address = address
        self.socket_path = directory / "media.sock"
        self.log_path = directory / "worker.log"
        self._core = core
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id, once it was started."""
        if self._process is None:
            raise RuntimeError("the worker was not started")
        return self._process.pid

    async def __aenter__(self) -> Self:
        arguments = [str(self.port), self.address, str(self.socket_path)]
        if self._core is not None:
            arguments.append(str(self._core))
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, *arguments, stdout=log, stderr=log
            )
        await self._wait_until_ready()
        return self

    async def __aexit__(self, *exc: object) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def _wait_until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if self._process is not None and self._process.returncode is not None:
                raise RuntimeError(f"the media worker ended at once: {self.log_path.read_text()[-2000:]}")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_unix_connection(str(self.socket_path))
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"the media worker did not listen within {START_TIMEOUT:.0f} s")


class WorkerRooms:
    """Rooms on one worker. Answers its offers for the peers that joined."""

    def __init__(self, socket_path: str | Path) -> None:
        self.client = ControlClient(str(socket_path))
        self.recordings: dict[str, RecordingChanged] = {}
        self.events: list[Event] = []
        # The last offer to each participant who is no peer of ours.
        self.unanswered: dict[str, OfferMade] = {}
        self._peers: dict[tuple[str, str], Peer] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.client.connect()
        self._task = asyncio.create_task(self._follow_events(), name="bench worker events")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.client.close()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def join(self, peer: Peer) -> None:
        """Create the room if need be, add the participant, publish and subscribe."""
        room, name = peer.room_id, peer.participant_id
        self._peers[room, name] = peer
        await self.client.request(CreateRoom(room_id=room))
        await self.client.request(
            AddParticipant(room_id=room, participant_id=name, may_publish=peer.publishes)
        )
        if peer.publishes:
            await self._publish(peer)
        await self.client.request(Subscribe(room_id=room, participant_id=name))

    async def _publish(self, peer: Peer) -> None:
        request = Publish(
            room_id=peer.room_id,
            participant_id=peer.participant_id,
            offer_sdp=peer.offer(),
            sources=dict(SOURCES),  # type: ignore[arg-type]
        )
        result = await self.client.request(request)
        await peer.accept_publish_answer(result["answer_sdp"])

    async def leave(self, peer: Peer) -> None:
        """Remove the participant; nothing happens when the worker is gone."""
        self._peers.pop((peer.room_id, peer.participant_id), None)
        with contextlib.suppress(ControlError):
            await self.client.request(
                RemoveParticipant(room_id=peer.room_id, participant_id=peer.participant_id)
            )

    async def start_recording(self, room_id: str, directory: Path) -> None:
        """Record the room into `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        await self.client.request(
            StartRecording(room_id=room_id, recording_id=room_id, directory=str(directory))
        )

    async def stop_recording(self, room_id: str) -> None:
        """End the recording of the room."""
        await self.client.request(StopRecording(room_id=room_id))

    async def statistics(self) -> dict[str, Any]:
        """The worker's counters."""
        return await self.client.request(Statistics())

    async def _follow_events(self) -> None:
        async for event in self.client.events:
            if isinstance(event, OfferMade):
                await self._answer(event)
            elif isinstance(event, RecordingChanged):
                self.recordings[event.room_id] = event
            elif len(self.events) < 10_000:
                self.events.append(event)

    async def _answer(self, event: OfferMade) -> None:
        peer = self._peers.get((event.room_id, event.participant_id))
        if peer is None:
            self.unanswered[event.participant_id] = event
            return
        answer = AcceptOffer(
            room_id=event.room_id,
            participant_id=event.participant_id,
            offer_id=event.offer_id,
            answer_sdp=peer.answer(event.offer_sdp),
        )
        with contextlib.suppress(ControlError):
            await self.client.request(answer)
            peer.begin_hearing()
