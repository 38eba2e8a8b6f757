"""A network namespace with a veth address: a quiet network of its own, and one that Janus accepts.

Janus leaves loopback interfaces out, so server and peers run inside the namespace and use the address of a
veth. The kernel carries packets between local addresses by its loopback path, the same for both servers.
"""

import os
import shutil
import signal
import subprocess
import sys

ADDRESS = "10.99.0.1"
_MARK = "LIANXIN_BENCH_NAMESPACE"


def missing_namespace() -> str | None:
    """Why no namespace can be made here, or None. Tries it, because a container may forbid it."""
    if os.name != "posix" or not sys.platform.startswith("linux"):
        return "network namespaces exist on Linux only"
    if shutil.which("ip") is None:
        return "the command `ip` is missing (package iproute2)"
    if os.geteuid() != 0:
        return "making a network namespace needs root"
    name = f"lxprobe{os.getpid()}"
    made = _ip("netns", "add", name)
    if made.returncode:
        return f"`ip netns add` was refused: {made.stderr.strip()}"
    _ip("netns", "del", name)
    return None


def inside_namespace() -> bool:
    """Whether this process was started by `run_inside`."""
    return _MARK in os.environ


def run_inside(command: list[str]) -> int:
    """Run a command inside a namespace of its own and take the namespace down afterwards.

    Returns its exit code. Raises RuntimeError when the namespace cannot be set up.
    """
    name = f"lxbench{os.getpid()}"
    # Leave through `finally` when told to stop, so that no namespace stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _demand("netns", "add", name)
    try:
        _demand("-n", name, "link", "set", "lo", "up")
        _demand("-n", name, "link", "add", "bench0", "type", "veth", "peer", "name", "bench1")
        _demand("-n", name, "addr", "add", f"{ADDRESS}/24", "dev", "bench0")
        _demand("-n", name, "link", "set", "bench0", "up")
        _demand("-n", name, "link", "set", "bench1", "up")
        environment = {**os.environ, _MARK: name}
        inside = ["ip", "netns", "exec", name, *command]
        return subprocess.run(inside, env=environment, check=False).returncode
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


def _demand(*arguments: str) -> None:
    done = _ip(*arguments)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
