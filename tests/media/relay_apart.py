"""The relay as a process of its own that comes before browsers: a network does not wait for who computes.

Four Chromium that code three layers take both cores, and a relay among them forwards when it gets its turn:
some tens of milliseconds late, in heaps. That is what a browser's bandwidth probes look for, and it concludes
that the way is narrow when only the machine is busy.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from tests.media.impairment import Relay, lead_through
from tests.media.workers import ROOT


class Way:
    """One direction of a RelayApart. `rate` in bit/s, 0: no limit; takes effect at once."""

    def __init__(self, relay: RelayApart, name: str) -> None:
        self._relay, self._name, self._rate = relay, name, 0

    @property
    def rate(self) -> int:
        return self._rate

    @rate.setter
    def rate(self, rate: int) -> None:
        self._rate = rate
        self._relay.tell(self._name, rate)


class RelayApart:
    """As Relay, of which only the rates can be changed. Use `async with`.

    `queue`: seconds that a packet may wait for a narrow link. `has_priority` tells whether it runs before
    all others (SCHED_RR), for which the machine must permit it.
    """

    def __init__(self, server_port: int, seed: int, queue: float = 0.25) -> None:
        self._server_port, self._seed, self._queue = server_port, seed, queue
        self.up, self.down = Way(self, "up"), Way(self, "down")

    async def __aenter__(self) -> RelayApart:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, *map(str, (self._server_port, self._seed, self._queue)),
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        told = json.loads(await self._process.stdout.readline())
        self.port, self.has_priority = told["port"], told["has_priority"]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    def rewrite(self, sdp: str) -> str:
        return lead_through(sdp, self._server_port, self.port)

    def tell(self, way: str, rate: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([way, rate]).encode() + b"\n")


async def run(server_port: int, seed: int, queue: float) -> None:
    """Forward until standard input ends; each line of it is [way, rate]."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
        has_priority = True
    except PermissionError:
        has_priority = False
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Relay(server_port, seed) as relay:
        relay.up.queue = relay.down.queue = queue
        print(json.dumps({"port": relay.port, "has_priority": has_priority}), flush=True)
        while line := await lines.readline():
            way, rate = json.loads(line)
            getattr(relay, way).rate = rate


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
