"""`lianxin serve`: starts the processes, restarts what dies, closes them in order.

Owned: the listening socket (children of the web kind inherit it, so that a restart never refuses a visitor)
and every child. A child dies with its parent by PR_SET_PDEATHSIG (prctl(2)).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from web.settings import Settings

logger = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
FIRST_DELAY, LONGEST_DELAY = 0.1, 10.0
STEADY_SECONDS = 20.0  # A child that ran this long starts again with the first delay.
GRACE_SECONDS = 8.0
SPAWN = (sys.executable, "-m")
_libc = ctypes.CDLL(None, use_errno=True)


class PortTaken(RuntimeError):
    """The web port is used by another program."""


@dataclass(frozen=True)
class Child:
    """What to run, and in which order it closes (lower first)."""

    name: str
    arguments: tuple[str, ...]
    closes: int
    nice: int = 0
    module: str = "web.cli"


def children_of(settings: Settings) -> list[Child]:
    """The web process closes first, so that people are told; then media.

    The recordings worker waits for nobody: what it lays down is found again from the rows.
    """
    workers = [
        Child(f"media-{n}", ("media-worker", str(n)), closes=1, module="web.processes.media_process")
        for n in range(settings.media_workers)
    ]
    recordings = Child("recordings", ("recordings-worker",), closes=0, nice=10)
    return [*workers, recordings, Child("web", ("web",), closes=0)]


def open_listener(settings: Settings) -> socket.socket:
    """Bind the web port. Raises PortTaken with what to do, in plain words."""
    family = socket.AF_INET6 if ":" in settings.web.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.web.host, settings.web.port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"{settings.web.host}:{settings.web.port} 用不了（{error.strerror}）。另一个程序可能占着它；"
            f"换一个端口：lianxin serve --port {settings.web.port + 1}\n"
            f"This address cannot be used; another program may hold it. Try another --port."
        ) from error
    listener.listen(512)
    listener.set_inheritable(True)
    return listener


class Supervisor:
    """Runs the children until `stop` is called or a signal comes."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        web = replace(settings.web, listen_descriptor=listener.fileno())
        self._environment = dict(os.environ) | replace(settings, web=web).environment()
        self._listener = listener
        self._children = children_of(settings)
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._parent = os.getpid()

    def stop(self) -> None:
        self._stopping.set()

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        keepers = [asyncio.create_task(self._keep(child), name=child.name) for child in self._children]
        try:
            await self._stopping.wait()
        finally:
            await self._close()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            self._listener.close()

    async def _keep(self, child: Child) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            began = time.monotonic()
            process = await self._start(child)
            status = await process.wait()
            self._running.pop(child.name, None)
            if self._stopping.is_set():
                return
            delay = FIRST_DELAY if time.monotonic() - began > STEADY_SECONDS else delay
            logger.warning("%s ended with %s; starting it again in %.1f s", child.name, status, delay)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
            delay = min(delay * 2, LONGEST_DELAY)

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *SPAWN,
            child.module,
            *child.arguments,
            env=self._environment,
            pass_fds=(self._listener.fileno(),) if child.name == "web" else (),
            preexec_fn=dies_with(self._parent, child.nice),
            start_new_session=True,  # Ctrl+C reaches us alone; we close the children in order.
        )
        self._running[child.name] = process
        return process

    async def _close(self) -> None:
        for turn in sorted({child.closes for child in self._children}):
            names = [child.name for child in self._children if child.closes == turn]
            ending = [self._running[name] for name in names if name in self._running]
            await asyncio.gather(*(_end(process) for process in ending))


def dies_with(parent: int, nice: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # The parent died between fork and prctl.
            os._exit(1)
        if nice:
            os.nice(nice)

    return prepare


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
