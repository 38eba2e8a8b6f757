"""Debian's coturn with the configuration that docs/turn.md recommends."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "turn.md"
ADDRESS = "127.0.0.1"
SECRET = "a secret of this test only, 32 characters"
PROGRAM = shutil.which("turnserver")


def configuration(port: int, directory: Path, media: str) -> str:
    """The block of the document, filled in. Only loopback needs one line more."""
    block = re.search(r"```\n# /etc/turnserver.conf\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    assert block, "docs/turn.md has no configuration"
    values = {"TURN_ADDRESS": ADDRESS, "TURN_PORT": str(port), "SECRET": SECRET, "MEDIA_ADDRESS": media}
    text = re.sub(r"<(\w+)>", lambda found: values[found.group(1)], block.group(1))
    own = ["allow-loopback-peers", f"pidfile={directory}/turn.pid", f"userdb={directory}/turn.db"]
    return "\n".join([text, *own, f"log-file={directory}/turn.log", "simple-log", "verbose", ""])


@contextlib.contextmanager
def running_coturn(directory: Path, media: str = ADDRESS) -> Iterator[int]:
    """The port it listens on, UDP and TCP."""
    assert PROGRAM is not None
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    file = directory / "turnserver.conf"
    file.write_text(configuration(port, directory, media), "utf-8")
    with open(directory / "turn.out", "w") as output:
        process = subprocess.Popen(
            [PROGRAM, "-c", str(file)],
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": str(directory)},
        )
    try:
        _wait(port, process, directory)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"coturn did not start: {(directory / 'turn.out').read_text()[-2000:]}")
