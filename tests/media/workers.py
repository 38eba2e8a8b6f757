"""Starts a real media worker process for a test and ends it with the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from media.config import MediaConfig

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from media.config import MediaConfig
from media.worker import run_worker
from tests.media.recorders import CountingFactory
values = json.loads(sys.argv[1])
values |= {name: tuple(values[name]) for name in ("addresses", "networks")}
run_worker(MediaConfig(**values), CountingFactory())
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RunningWorker:
    def __init__(self, directory: Path, program: str = PROGRAM, **settings: object) -> None:
        values = {"port": free_port(), "addresses": ("127.0.0.1",)}
        values["socket_path"] = str(directory / "media.sock")
        self.config = MediaConfig(**(values | settings))
        self.log = open(directory / "worker.log", "w+")  # noqa: SIM115 - closed by stop
        command = [sys.executable, "-c", program, json.dumps(asdict(self.config))]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=self.log, stdout=self.log)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 45
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.config.socket_path)
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the worker did not start: {self.output()}")

    def output(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text()

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)

    def stop(self) -> float:
        """Ask it to end; how long that took, in seconds."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return time.monotonic() - began


@contextlib.contextmanager
def running_worker(directory: Path, program: str = PROGRAM, **settings: object) -> Iterator[RunningWorker]:
    worker = RunningWorker(directory, program, **settings)
    try:
        yield worker
    finally:
        worker.stop()
        worker.log.close()


async def until(condition, timeout: float = 10.0, what: str = "") -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {timeout} s: {what}")
        await asyncio.sleep(0.02)
