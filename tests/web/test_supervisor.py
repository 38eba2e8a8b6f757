"""`lianxin serve` as people start it: what is killed comes back, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 60.0  # A busy machine; what is promised is measured, not waited for.


@dataclass
class Serving:
    """A running supervisor on free ports."""

    process: subprocess.Popen[bytes]
    port: int

    def children(self) -> dict[str, int]:
        """Process ids of the direct children by what they run."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                words = (entry / "cmdline").read_text().split("\0")
            except (OSError, IndexError):
                continue
            if parent == str(self.process.pid) and len(words) > 3:
                found[" ".join(words[3:]).strip()] = int(entry.name)
        return found

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError("not ready")

    def wait_for_another(self, name: str, old: int) -> None:
        until = time.monotonic() + START_SECONDS
        while self.children().get(name) in (None, old):
            assert time.monotonic() < until, f"{name} was not started again"
            time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # A zombie has none.
    except OSError:
        return False


def all_gone(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        stream.bind(("127.0.0.1", 0))
        datagram.bind(("127.0.0.1", 0))
        port, media = stream.getsockname()[1], datagram.getsockname()[1]
    environment = dict(os.environ) | {
        "LIANXIN_STATE": str(tmp_path / "var"),
        "LIANXIN_WEB_PORT": str(port),
        "LIANXIN_MEDIA_PORT": str(media),
        "LIANXIN_MEDIA_WORKERS": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "web.cli", "serve"], env=environment)
    yield Serving(process, port)
    process.kill()
    process.wait()


def test_killed_children_come_back_and_die_with_a_killed_parent(serving: Serving) -> None:
    serving.wait_until_ready()
    before = serving.children()
    assert set(before) == {"web", "media-worker 0", "recordings-worker"}
    for name in ("media-worker 0", "web"):
        os.kill(before[name], signal.SIGKILL)
        serving.wait_for_another(name, before[name])
        serving.wait_until_ready()
    last = list(serving.children().values())
    serving.process.kill()
    serving.process.wait()
    assert all_gone(last, 5)


def test_sigterm_closes_everything(serving: Serving) -> None:
    serving.wait_until_ready()
    last = list(serving.children().values())
    serving.process.terminate()
    assert serving.process.wait(30) == 0
    assert all_gone(last, 1)


def test_a_taken_port_ends_the_start_with_a_plain_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        environment = dict(os.environ) | {"LIANXIN_STATE": str(tmp_path), "LIANXIN_WEB_PORT": port}
        done = subprocess.run(
            [sys.executable, "-m", "web.cli", "serve"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert "被占用" in done.stderr
    assert "Traceback" not in done.stderr
