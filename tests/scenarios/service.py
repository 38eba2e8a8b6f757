"""The whole service as `lianxin serve` starts it, with a demo day in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from cases.clock import BEIJING, SystemClock
from tests import databases
from tests.scenarios.browsers import until
from web.demo.day import seed_day
from web.demo.prepare import prepare_demo
from web.setting_groups import MediaSettings, ReceptionSettings, WebSettings
from web.settings import Settings

# In the order in which the demo day prints them.
PARTIES = ("citizen", "district", "city", "province")


@dataclass
class Service:
    """A running service; `links` maps the four parties to the addresses that were printed."""

    settings: Settings
    session_id: str
    links: dict[str, str]
    process: asyncio.subprocess.Process = field(repr=False)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings.web.port}"

    @property
    def recordings(self) -> Path:
        return self.settings.state / "recordings"

    def child(self, command: str) -> int:
        """Process number of the child `web`, `media-worker` or `recordings-worker`; 0 while there is none."""
        for number in _children(self.process.pid):
            try:
                words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue  # It ended since it was listed.
            if command.encode() in words:
                return number
        return 0

    async def kill(self, command: str) -> int:
        """Kill a child without warning; returns the number it had."""
        number = self.child(command)
        assert number, f"{command} is not running"
        os.kill(number, signal.SIGKILL)
        return number

    async def healed(self, command: str, old: int, timeout: float = 10) -> None:
        """Wait until the supervisor has started that child again."""
        await until(lambda: self.child(command) not in (0, old), timeout, f"{command} runs again")


@asynccontextmanager
async def running_service(
    state: Path, recording: bool = True, reception: ReceptionSettings | None = None, **media: object
) -> AsyncIterator[Service]:
    """Seed, start, hand over, stop. Everything it says goes to `service.log` beside the state.

    Who people are is asked only where `reception` says so; `media` are further settings of that group.
    """
    settings = replace(
        Settings(),
        state=state,
        demo=True,
        reception=reception or ReceptionSettings(identity=False),
        web=WebSettings(port=free_port(socket.SOCK_STREAM)),
        media=MediaSettings(**{"port": free_port(socket.SOCK_DGRAM), "workers": 1, **media}),
    )
    settings.prepare_directories()
    if databases.SHARED is not None:
        today = SystemClock().now().astimezone(BEIJING).date()
        databases.lay_demonstration(state / "lianxin.db", databases.SHARED, f"{today}", seed_day)
    day = await prepare_demo(settings)
    base = f"http://127.0.0.1:{settings.web.port}"
    links = {name: base + link.path for name, link in zip(PARTIES, day.links, strict=True)}
    with (state / "service.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.cli", "serve"),
            env={**os.environ, **settings.environment()},
            stdout=log,
            stderr=log,
        )
        try:
            await until(lambda: is_ready(base), 30, "the service answers")
            yield Service(settings, day.ready_session_id, links, process)
        finally:
            with suppress(ProcessLookupError):  # Stopped by the test itself.
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                raise AssertionError("the service did not stop within 20 s of SIGTERM") from None


async def is_ready(base: str) -> bool:
    """Whether the service says that it can be used."""
    try:
        async with aiohttp.ClientSession() as client, client.get(base + "/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def free_port(kind: int) -> int:
    """A port that nobody uses at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in text.split()]
