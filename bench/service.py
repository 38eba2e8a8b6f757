"""The whole service for a bench: a demo day in a folder of its own and `lianxin serve` as people start it."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

READY_SECONDS = 180.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Service:
    """A running service. `links` are the personal links of citizen, district, city and province."""

    base: str
    links: tuple[str, ...]
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time of all our living processes so far, to the nanosecond (proc(5), schedstat)."""
        total = 0
        for pid in _family(self.pid):
            with suppress(OSError):  # A thread may end while we read.
                for task in Path(f"/proc/{pid}/task").iterdir():
                    total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


@asynccontextmanager
async def running_service(state: Path) -> AsyncIterator[Service]:
    """Seed, start, hand over, stop. What it says goes to `service.log` there. Raises TimeoutError."""
    port = _free_port(socket.SOCK_STREAM)
    environment = {
        **os.environ,
        "LIANXIN_STATE": str(state),
        "LIANXIN_DEMO": "true",
        "LIANXIN_WEB_PORT": str(port),
        "LIANXIN_MEDIA_PORT": str(_free_port(socket.SOCK_DGRAM)),
        "LIANXIN_MEDIA_WORKERS": "1",
    }
    base = f"http://127.0.0.1:{port}"
    paths = await _seed(state, environment)
    process = await _start("serve", state, environment)
    try:
        await _until_ready(base)
        yield Service(base, tuple(base + path for path in paths), process.pid)
    finally:
        await _stop(process)


async def _seed(state: Path, environment: dict[str, str]) -> list[str]:
    """The paths of the demo day's links. It is stopped at once: what it shows beside them would disturb."""
    links = state / "run" / "demo-links.json"
    process = await _start("demo", state, environment)
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with suppress(OSError, ValueError):  # Not there yet, or not whole.
                    return [path for _, _, path in json.loads(links.read_text("utf-8"))["links"]]
                await asyncio.sleep(0.05)
    finally:
        await _stop(process)


async def _start(command: str, state: Path, environment: dict[str, str]) -> asyncio.subprocess.Process:
    with (state / "service.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.cli", command), env=environment, stdout=log, stderr=log
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _until_ready(base: str) -> None:
    async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as client:
        while True:
            with suppress(aiohttp.ClientError):
                async with client.get(base + "/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


def _family(pid: int) -> list[int]:
    """A process and its children; those that ended meanwhile are left out."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(member for child in children for member in _family(int(child)))]
    return []


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
