"""Measures forwarding: the points of a plan on our worker, on Janus VideoRoom and on the floor, in turn."""

import asyncio
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import crowd, room_name
from bench.load import LoadGenerator
from bench.native import open_native
from bench.ours import WorkerRooms
from bench.point import Point
from bench.process import cores_for_measuring, cpu, resident_megabytes
from bench.servers import excused, serve
from bench.window import Latency, latency_of

SETTLE = 2.0
# Late packets may come in for this long after the window was shut.
GRACE = 0.5
# One core of the generator is given no more than this, in packets a second in and out.
MOST_OF_ONE_CORE = 200_000


@dataclass(frozen=True)
class Plan:
    """What to measure: each point `rounds` times on each of the servers (bench/servers.py)."""

    servers: tuple[str, ...]
    points: tuple[Point, ...]
    rounds: int
    seconds: float
    address: str
    feedback: bool = False


@dataclass(frozen=True)
class Measurement:
    """One server at one point, once.

    `cpu_per_packet` is the server's, in µs for each delivered packet, `kernel_share` of that in the kernel.
    `memory` in MB when the window ends, `memory_before` when nobody had come yet. Loads are shares of a core.
    `late` is the share of packets that the generator sent more than 5 ms after they were due.
    """

    server: str
    point: Point
    round: int
    cpu_per_packet: float
    kernel_share: float
    latency: Latency
    loss: float
    duplicates: int
    refused: int
    memory: float
    memory_before: float
    packets_per_second: float
    server_load: float
    generator_load: float
    late: float

    @property
    def doubt(self) -> str | None:
        """What speaks against these figures, or None."""
        if self.generator_load > 0.95:
            return "the generator is full: a lower bound"
        if self.late > 0.01:
            return f"{100 * self.late:.0f} % sent late: others use this machine"
        return None


@dataclass(frozen=True)
class Failure:
    """A point that could not be measured, and why."""

    server: str
    point: Point
    round: int
    reason: str


async def measure_all(plan: Plan) -> AsyncIterator[Measurement | Failure]:
    """Every point of the plan, servers in turn, so that a drift of the machine meets all of them alike."""
    server_core, generator_cores = cores_for_measuring()
    if generator_cores[0] is not None:
        os.sched_setaffinity(0, {generator_cores[0]})
    for number in range(plan.rounds):
        for point in plan.points:
            turned = number % len(plan.servers)
            for server in plan.servers[turned:] + plan.servers[:turned]:
                if excused(server, point) is None:
                    yield await _attempt(plan, server, point, number, server_core, generator_cores)


async def _attempt(
    plan: Plan, server: str, point: Point, number: int, core: int | None, generators: list[int | None]
) -> Measurement | Failure:
    try:
        return await measure(plan, server, point, number, core, generators)
    except Exception as error:  # noqa: BLE001 - a server that breaks down is a result, too
        return Failure(server, point, number, _reason(error))


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class _Subject:
    server: str
    point: Point
    round: int
    pid: int
    memory_before: float


async def measure(
    plan: Plan, server: str, point: Point, number: int, core: int | None, generators: list[int | None]
) -> Measurement:
    """Start the server, fill its rooms, let them settle, and look at one window.

    Raises ValueError when nothing arrives or is recorded, and what joining raises (bench/crowd.py).
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lianxin-bench-")))
        running = await stack.enter_async_context(serve(server, folder, plan.address, core, plan.feedback))
        subject = _Subject(server, point, number, running.pid, resident_megabytes(running.pid))
        load = await stack.enter_async_context(
            LoadGenerator(plan.address, held=True, seed=number, feedback=plan.feedback)
        )
        await stack.enter_async_context(crowd(load, running.rooms, point))
        if server == "ours" and isinstance(running.rooms, WorkerRooms):
            await _record(running.rooms, folder, point)
        await running.begin()
        used = generators[: math.ceil((point.incoming + point.forwarded) / MOST_OF_ONE_CORE)]
        capacity = int(point.forwarded * (plan.seconds + 1) * 1.2 / len(used)) + 1000
        last = await load.play(open_native("generator"), used, capacity)
        try:
            await asyncio.sleep(last + SETTLE)
            measured = await _look(plan, load, subject)
            if server == "ours" and isinstance(running.rooms, WorkerRooms):
                _check_recorded(running.rooms, point)
            return measured
        finally:
            load.rest()


async def _record(rooms: WorkerRooms, folder: Path, point: Point) -> None:
    for room in range(point.rooms):
        await rooms.start_recording(room_name(room), folder / f"recording-{room}")


def _check_recorded(rooms: WorkerRooms, point: Point) -> None:
    """What is called recorded must have been. Raises ValueError."""
    for room in range(point.rooms):
        told = rooms.recordings.get(room_name(room))
        if told is None or told.state != "active" or told.dropped or told.tracks != 2 * point.peers:
            raise ValueError(f"{room_name(room)} was not recorded as it should be: {told}")


async def _until(moment_ns: int) -> None:
    """Sleep until a moment of the wall clock."""
    await asyncio.sleep(max(0.0, (moment_ns - time.time_ns()) / 1e9))


async def _look(plan: Plan, load: LoadGenerator, subject: _Subject) -> Measurement:
    window = load.set_window(plan.seconds)
    await _until(window.start_ns)
    before, own_before = cpu(subject.pid), cpu(os.getpid())
    await _until(window.end_ns)
    after, own_after = cpu(subject.pid), cpu(os.getpid())
    memory = resident_megabytes(subject.pid)
    await asyncio.sleep(GRACE)
    tally, seconds, used = load.tally(), window.seconds, after.since(before)
    expected = tally.sent * (subject.point.peers - 1)
    return Measurement(
        server=subject.server,
        point=subject.point,
        round=subject.round,
        cpu_per_packet=1e6 * used / max(tally.delivered, 1),
        kernel_share=after.kernel_share_since(before),
        latency=latency_of(tally.latencies),
        loss=1 - tally.delivered / expected,
        duplicates=tally.duplicates,
        refused=tally.refused,
        memory=memory,
        memory_before=subject.memory_before,
        packets_per_second=tally.delivered / seconds,
        server_load=used / seconds,
        generator_load=own_after.since(own_before) / seconds,
        late=tally.late / tally.sent,
    )
