"""A live, recorded room of two real peers on a real worker process, and ways to attack it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from bench.load import LoadGenerator
from bench.ours import WorkerProcess, WorkerRooms
from bench.peer import Peer
from bench.process import resident_megabytes

ADDRESS = "127.0.0.1"
ROOM = "room"
# An attack is sent in portions, so that the socket's own buffer does not become the thing under test.
PORTION = 100
PAUSE = 0.01
MOST_GROWTH = 12.0


class Stranger:
    """A socket that nobody invited."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((ADDRESS, port))
        self.sent = 0
        self.answers = 0

    def send(self, data: bytes) -> None:
        """Send one datagram and look for an answer."""
        with contextlib.suppress(OSError):
            self.socket.send(data)
            self.sent += 1
        with contextlib.suppress(OSError):
            self.socket.recv(4096)
            self.answers += 1

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


class Siege:
    """The room under attack. `stands` says whether it noticed."""

    def __init__(self, worker: WorkerProcess, rooms: WorkerRooms, load: LoadGenerator) -> None:
        self.worker = worker
        self.rooms = rooms
        self.load = load
        self.anna: Peer
        self.bert: Peer
        self.stranger = Stranger(worker.port)
        self._memory = 0.0
        self._counters: dict[str, int] = {}

    async def begin(self, anna: Peer, bert: Peer) -> None:
        """Wait for the room to run, then note how things are."""
        self.anna, self.bert = anna, bert
        await self._both_hear()
        self._memory = resident_megabytes(self.worker.pid)
        self._counters = await self.counters()

    async def attack(self, send: Any, datagrams: Iterable[bytes]) -> None:
        """Send all, in portions."""
        for number, data in enumerate(datagrams, 1):
            send(data)
            if number % PORTION == 0:
                await asyncio.sleep(PAUSE)

    async def counters(self) -> dict[str, int]:
        """The worker's own counters."""
        statistics = await self.rooms.statistics()
        return {name: value for name, value in _flat(statistics["worker"]) if isinstance(value, int)}

    async def counted(self, *names: str) -> int:
        """How much the counters of these names have grown since the beginning."""
        now = await self.counters()
        return sum(now.get(name, 0) - self._counters.get(name, 0) for name in names)

    async def stands(self, most_loss: float = 0.0) -> None:
        """Both still hear each other, nothing is lost, memory is flat, the recorder records, no trace."""
        await self._both_hear()
        loss = await self._loss()
        assert loss <= most_loss, f"{loss:.2%} of the packets were lost"
        growth = resident_megabytes(self.worker.pid) - self._memory
        assert growth < MOST_GROWTH, f"the worker grew by {growth:.1f} MB"
        await self._still_records()
        log = self.worker.log_path.read_text()
        assert "Traceback" not in log, log[-3000:]

    async def _both_hear(self) -> None:
        await asyncio.gather(self.anna.hears(tracks=2), self.bert.hears(tracks=2))

    async def _loss(self) -> float:
        window = self.load.set_window(1.0)
        # It begins a tenth of a second from now; the last packets may come late.
        await asyncio.sleep(1.4)
        return 1 - len(window.latencies) / window.sent

    async def _still_records(self) -> None:
        before = self.rooms.recordings[ROOM].bytes_on_disk
        async with asyncio.timeout(5):
            while True:
                change = self.rooms.recordings[ROOM]
                assert change.state == "active", change
                if change.bytes_on_disk > before:
                    return
                await asyncio.sleep(0.05)


def _flat(counters: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in counters.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name, value


def free_port() -> int:
    """A UDP port nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def lay_siege(directory: Path) -> AsyncIterator[Siege]:
    """Worker, room, two peers and a recording, taken down in order."""
    async with (
        WorkerProcess(directory, free_port(), ADDRESS) as worker,
        WorkerRooms(worker.socket_path) as rooms,
        LoadGenerator(ADDRESS) as load,
        load.peer(rooms, ROOM, "anna") as anna,
        load.peer(rooms, ROOM, "bert") as bert,
    ):
        await rooms.start_recording(ROOM, directory / "recording")
        siege = Siege(worker, rooms, load)
        try:
            await siege.begin(anna, bert)
            yield siege
        finally:
            siege.stranger.close()
