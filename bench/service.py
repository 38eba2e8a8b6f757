"""The whole service for a bench: a demo day in a folder of its own and `lianxin serve` as people start it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from web.demo import prepare_demo
from web.settings import MediaSettings, Settings, WebSettings

READY_SECONDS = 60.0
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
    settings = replace(
        Settings(),
        state=state,
        demo=True,
        web=WebSettings(port=_free_port(socket.SOCK_STREAM)),
        media=MediaSettings(port=_free_port(socket.SOCK_DGRAM), workers=1),
    )
    settings.prepare_directories()
    day = await prepare_demo(settings)
    base = f"http://127.0.0.1:{settings.web.port}"
    with (state / "service.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.cli", "serve"),
            env={**os.environ, **settings.environment()},
            stdout=log,
            stderr=log,
        )
    try:
        await _until_ready(base)
        yield Service(base, tuple(base + link.path for link in day.links), process.pid)
    finally:
        await _stop(process)


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
