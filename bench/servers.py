"""The servers that are measured, by name, each as a process of its own and a way to join its rooms."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.floor import mark_of
from bench.janus import JanusProcess, JanusRooms
from bench.native import missing_compiler
from bench.ours import WorkerProcess, WorkerRooms
from bench.peer import Rooms
from bench.point import Point

SERVERS = ("ours", "ours-unrecorded", "janus", "janus-1-loop", "floor")
# On one core Janus is full at about 16 rooms of four; what it costs beyond says nothing.
MOST_FOR_JANUS = 25_000
HAND_OVER_TIMEOUT = 15.0


@dataclass(frozen=True)
class Running:
    """A started server. `begin` is awaited when everybody has joined, before anybody plays."""

    pid: int
    rooms: Rooms
    begin: Callable[[], Awaitable[None]]


def excused(server: str, point: Point) -> str | None:
    """Why this server is not measured at this point, or None."""
    if server.startswith("janus") and point.forwarded > MOST_FOR_JANUS:
        return "one core is too little for Janus there"
    return None


def shown(server: str) -> str:
    """The name in the table: a floor without a compiler is another floor."""
    return "floor (Python)" if server == "floor" and missing_compiler() else server


@asynccontextmanager
async def serve(
    server: str, folder: Path, address: str, core: int | None, feedback: bool
) -> AsyncIterator[Running]:
    """Start it on a free port of `address`, pinned to `core`. Raises RuntimeError or JanusError."""
    port = _free_port(address)
    if server.startswith("janus"):
        loops = 1 if server == "janus-1-loop" else 0
        process = JanusProcess(folder, port, address, core, loops)
        async with process as janus, JanusRooms(janus.url, feedback) as rooms:
            yield Running(janus.pid, rooms, _go_on)
        return
    module = "bench.floor" if server == "floor" else "bench.worker"
    async with (
        WorkerProcess(folder, port, address, core, module) as worker,
        WorkerRooms(worker.socket_path) as ours,
    ):
        floor = server == "floor"
        yield Running(worker.pid, ours, lambda: _hand_over(worker) if floor else _go_on())


async def _go_on() -> None:
    """Everything is ready as it is."""


async def _hand_over(worker: WorkerProcess) -> None:
    """Let it become a floor. Raises TimeoutError."""
    os.kill(worker.pid, signal.SIGUSR1)
    async with asyncio.timeout(HAND_OVER_TIMEOUT):
        while not mark_of(worker.socket_path).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)


def _free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
