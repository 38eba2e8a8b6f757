"""Measures forwarding: rooms of four peers on our worker (recording on) and on Janus VideoRoom, in turn."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.janus import JanusProcess, JanusRooms
from bench.load import LoadGenerator
from bench.ours import WorkerProcess, WorkerRooms
from bench.peer import Rooms
from bench.process import cores_for_measuring, cpu_seconds, resident_megabytes
from bench.window import Latency, latency_of

PEERS_PER_ROOM = 4
SETTLE = 2.0
# Late packets may come in for this long after the window was shut.
GRACE = 0.5


@dataclass(frozen=True)
class Plan:
    """What to measure: `servers` of ours, ours-unrecorded, janus, janus-1-loop; each `rounds` times."""

    servers: tuple[str, ...]
    room_counts: tuple[int, ...]
    rounds: int
    seconds: float
    address: str


@dataclass(frozen=True)
class Measurement:
    """One server at one number of rooms, once. CPU is the server's, in µs for each delivered packet."""

    server: str
    rooms: int
    round: int
    cpu_per_packet: float
    latency: Latency
    loss: float
    memory: float
    packets_per_second: float
    server_load: float
    generator_load: float


async def measure_all(plan: Plan) -> AsyncIterator[Measurement]:
    """Every point of the plan, servers in turn so that a drift of the machine meets all of them."""
    server_core, generator_core = cores_for_measuring()
    if generator_core is not None:
        os.sched_setaffinity(0, {generator_core})
    for number in range(plan.rounds):
        for rooms in plan.room_counts:
            for server in plan.servers:
                yield await measure(plan, server, rooms, number, server_core)


async def measure(plan: Plan, server: str, rooms: int, number: int, core: int | None) -> Measurement:
    """Start the server, fill its rooms, let them settle, and look at one window."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lianxin-bench-")))
        pid, house = await stack.enter_async_context(_serve(server, folder, plan.address, core))
        load = await stack.enter_async_context(LoadGenerator(plan.address, precise=False, seed=number))
        for room in range(rooms):
            for seat in range(PEERS_PER_ROOM):
                await stack.enter_async_context(load.peer(house, f"room-{room}", f"peer-{seat}"))
        if isinstance(house, WorkerRooms) and server == "ours":
            for room in range(rooms):
                await house.start_recording(f"room-{room}", folder / f"recording-{room}")
        return await _look(plan, load, pid, server, rooms, number)


@asynccontextmanager
async def _serve(
    server: str, folder: Path, address: str, core: int | None
) -> AsyncIterator[tuple[int, Rooms]]:
    port = _free_port(address)
    if server.startswith("janus"):
        loops = 1 if server == "janus-1-loop" else 0
        async with JanusProcess(folder, port, address, core, loops) as janus, JanusRooms(janus.url) as rooms:
            yield janus.pid, rooms
    else:
        async with (
            WorkerProcess(folder, port, address, core) as worker,
            WorkerRooms(worker.socket_path) as ours,
        ):
            yield worker.pid, ours


async def _look(
    plan: Plan, load: LoadGenerator, pid: int, server: str, rooms: int, number: int
) -> Measurement:
    await load.be_precise()
    await asyncio.sleep(SETTLE)
    own, window = os.getpid(), load.window
    sent_before, cpu_before, own_before = load.packets_sent(), cpu_seconds(pid), cpu_seconds(own)
    window.open()
    await asyncio.sleep(plan.seconds)
    window.shut()
    sent_after, cpu_after, own_after = load.packets_sent(), cpu_seconds(pid), cpu_seconds(own)
    memory = resident_megabytes(pid)
    await asyncio.sleep(GRACE)
    delivered = len(window.latencies)
    sent = sum(sent_after[track] - sent_before[track] for track in sent_after)
    return Measurement(
        server=server,
        rooms=rooms,
        round=number,
        cpu_per_packet=1e6 * (cpu_after - cpu_before) / max(delivered, 1),
        latency=latency_of(window.latencies),
        loss=1 - delivered / (sent * (PEERS_PER_ROOM - 1)),
        memory=memory,
        packets_per_second=delivered / window.seconds,
        server_load=(cpu_after - cpu_before) / window.seconds,
        generator_load=(own_after - own_before) / window.seconds,
    )


def _free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
