"""The whole way with a real media worker: two peers hear each other, its death is survived."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from cases.database import Database
from media.config import MediaConfig
from recordings.recording import find_live_recording
from tests.media.workers import free_port
from tests.signaling.hall import Client, Hall

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory
values = json.loads(sys.argv[1])
values["addresses"] = tuple(values["addresses"])
run_worker(MediaConfig(**values), JournalRecorderFactory())
"""


class RealWorker:
    """The process that `lianxin media-worker` runs; stands in for the fake one of the hall."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.config = MediaConfig(port=free_port(), addresses=("127.0.0.1",), socket_path=path)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        Path(self.path).unlink(missing_ok=True)
        settings = json.dumps(asdict(self.config))
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, settings, cwd=ROOT)
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_unix_connection(self.path)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.process = None


class Peer:
    """A browser with a microphone: two PeerConnections driven by the messages of docs/protocol.md."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.frames = self.wanted = 0
        self.heard = asyncio.Event()
        self.publishing = RTCPeerConnection()
        self.subscribing = RTCPeerConnection()
        self._tasks: list[asyncio.Task[None]] = []

    async def negotiate(self) -> None:
        await self._stop()
        self.publishing, self.subscribing = RTCPeerConnection(), RTCPeerConnection()
        self.subscribing.on("track", self._take)
        self.publishing.addTransceiver(AudioStreamTrack(), direction="sendonly")
        await self.publishing.setLocalDescription(await self.publishing.createOffer())
        sdp = self.publishing.localDescription.sdp
        mid = re.findall(r"a=mid:(\S+)", sdp)[0]
        answer = await self.client.ask("publish", sdp=sdp, sources={mid: "microphone"})
        await self.publishing.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        seen = len(self.client.pushes)
        assert (await self.client.ask("subscribe"))["type"] == "ok"
        self._tasks.append(asyncio.create_task(self._answer_offers(seen)))

    async def hears(self, frames: int = 20) -> None:
        self.wanted = self.frames + frames
        self.heard.clear()
        await asyncio.wait_for(self.heard.wait(), 30)

    async def close(self) -> None:
        await self._stop()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.publishing.close()
        await self.subscribing.close()

    async def _answer_offers(self, seen: int) -> None:
        answered: set[int] = set()

        def fresh(push: dict[str, Any]) -> bool:
            unanswered = push["type"] == "offer" and push["offer_id"] not in answered
            return unanswered and push in self.client.pushes[seen:]

        while True:
            offer = await self.client.until(fresh, timeout=600)
            answered.add(offer["offer_id"])
            await self.subscribing.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            await self.subscribing.setLocalDescription(await self.subscribing.createAnswer())
            sdp = self.subscribing.localDescription.sdp
            await self.client.ask("answer", offer_id=offer["offer_id"], sdp=sdp)

    def _take(self, track: Any) -> None:
        self._tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self.frames += 1
                if self.frames >= self.wanted:
                    self.heard.set()


def segments(folder: Path) -> dict[str, int]:
    """Track folder -> number of segments."""
    return {each.name: len(list(each.glob("*.lxj"))) for each in (folder / "tracks").iterdir()}


async def recorded(client: Client, size: int) -> None:
    """Red badge, and more bytes on disk than `size`."""

    def enough(room: dict[str, Any]) -> bool:
        return bool(room["recording"]["state"] == "active" and room["recording"]["bytes"] > size)

    await client.room_where(enough)


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_two_peers_through_death_of_the_worker(database: Database, hall_folder: Path) -> None:
    hall = Hall(database, hall_folder, workers=1)
    worker = RealWorker(hall.workers[0].path)
    hall.workers = [worker]  # type: ignore[list-item]
    await hall.open()
    peers: list[Peer] = []
    try:
        host, citizen = await hall.client("host"), await hall.client("petitioner")
        await host.ask("admit", participant_id=citizen.id)
        peers = [Peer(host), Peer(citizen)]
        for peer in peers:
            await peer.negotiate()
        for peer in peers:
            await peer.hears()
        assert (await host.ask("open"))["type"] == "ok"
        await recorded(host, 1000)

        await host.ask("pause", reason="商议")
        await host.room_where(lambda room: room["recording"]["state"] == "paused")
        await host.ask("resume")
        await host.room_where(lambda room: room["recording"]["state"] == "active")

        await worker.kill()
        for client in (host, citizen):
            await client.push("media_lost", timeout=1)
        await worker.start()
        for client in (host, citizen):
            assert (await client.push("media_restored", timeout=10))["publish_needed"]
        for peer in peers:
            await peer.negotiate()
        for peer in peers:
            await peer.hears()
        await host.room_where(lambda room: room["recording"]["state"] == "active")
        async with database.session() as db:
            recording = await find_live_recording(db, hall.session_id)
        assert recording is not None
        await asyncio.sleep(1.5)
        assert (await host.ask("close"))["type"] == "ok"
        assert await citizen.closed() == 1000
        # Before the pause, after it, and after the death: the same recording, three segments each.
        assert segments(recording.folder(hall.registry.recordings)) == {
            f"{client.id}-microphone": 3 for client in (host, citizen)
        }
    finally:
        for peer in peers:
            await peer.close()
        await hall.close()
