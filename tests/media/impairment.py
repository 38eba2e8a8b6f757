"""A UDP relay that makes a network bad: loss, bursts, delay, jitter, reordering, copies, a narrow link.

Everything is drawn from one seeded source for each direction, so that a run can be repeated.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass, field


@dataclass
class Impairment:
    """One direction. May be changed while it runs. Times in seconds, `rate` in bit/s (0: no limit)."""

    loss: float = 0.0
    burst: float = 1.0  # mean length of a run of losses, in datagrams
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0  # share of datagrams held back for another 30 ms
    duplicate: float = 0.0
    rate: int = 0
    queue: float = 0.25  # what would wait longer than this for the narrow link is dropped
    dropped: int = 0
    passed: int = 0
    _losing: bool = field(default=False, repr=False)
    _free_at: float = field(default=0.0, repr=False)
    _last_at: float = field(default=0.0, repr=False)

    def plan(self, size: int, now: float, dice: random.Random) -> list[float]:
        """The times at which a datagram of `size` bytes goes on; empty when it is lost."""
        if self._is_lost(dice):
            self.dropped += 1
            return []
        at = now
        if self.rate:
            start = max(now, self._free_at)
            if start - now > self.queue:
                self.dropped += 1
                return []
            at = self._free_at = start + (size + 28) * 8 / self.rate
        at += self.delay + dice.random() * self.jitter
        if self.reorder and dice.random() < self.reorder:
            at += 0.03
        elif not self.jitter:
            at = self._last_at = max(at, self._last_at)
        self.passed += 1
        return [at, at + 0.001] if dice.random() < self.duplicate else [at]

    def _is_lost(self, dice: random.Random) -> bool:
        """Two states (Gilbert): runs of losses of mean length `burst`, `loss` of all datagrams."""
        if not self.loss:
            return False
        if self._losing:
            self._losing = dice.random() >= 1 / self.burst
        else:
            begin = self.loss / (self.burst * (1 - self.loss))
            self._losing = dice.random() < begin
        return self._losing


class _Side(asyncio.DatagramProtocol):
    def __init__(self, take) -> None:
        self.take = take
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple) -> None:
        self.take(data, address)


class Relay:
    """Between browsers and one server. `up` is towards the server. Use `async with`."""

    def __init__(self, server_port: int, seed: int = 1) -> None:
        self.up, self.down = Impairment(), Impairment()
        self._server = ("127.0.0.1", server_port)
        self._dice = {"up": random.Random(seed), "down": random.Random(seed + 1)}
        self._clients: dict[tuple, _Side] = {}
        self._waiting: dict[tuple, list[bytes]] = {}
        self._tasks: set[asyncio.Task] = set()
        self._front = _Side(self._from_client)

    async def __aenter__(self) -> Relay:
        self._loop = asyncio.get_running_loop()
        await self._loop.create_datagram_endpoint(lambda: self._front, local_addr=("127.0.0.1", 0))
        self.port = self._front.transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        for side in (self._front, *self._clients.values()):
            if side.transport is not None:
                side.transport.close()

    def rewrite(self, sdp: str) -> str:
        """The server's SDP with this relay as its only UDP candidate."""
        return lead_through(sdp, self._server[1], self.port)

    def _from_client(self, data: bytes, address: tuple) -> None:
        side = self._clients.get(address)
        if side is None:
            side = self._clients[address] = _Side(lambda answer, _: self._from_server(answer, address))
            self._waiting[address] = []
            task = self._loop.create_task(self._open(side, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if side.transport is None:
            self._waiting[address].append(data)
            return
        self._pass(data, self.up, self._dice["up"], side, None)

    async def _open(self, side: _Side, address: tuple) -> None:
        await self._loop.create_datagram_endpoint(lambda: side, remote_addr=self._server)
        for data in self._waiting.pop(address):
            self._pass(data, self.up, self._dice["up"], side, None)

    def _from_server(self, data: bytes, address: tuple) -> None:
        self._pass(data, self.down, self._dice["down"], self._front, address)

    def _pass(
        self, data: bytes, way: Impairment, dice: random.Random, side: _Side, address: tuple | None
    ) -> None:
        now = self._loop.time()
        for at in way.plan(len(data), now, dice):
            if at <= now:
                side.transport.sendto(data, address)
            else:
                self._loop.call_at(at, self._send, side, data, address)

    @staticmethod
    def _send(side: _Side, data: bytes, address: tuple | None) -> None:
        if not side.transport.is_closing():
            side.transport.sendto(data, address)


def lead_through(sdp: str, server_port: int, port: int) -> str:
    """The server's SDP with the relay at `port` as its only UDP candidate."""
    lines = [
        line for line in sdp.split("\r\n") if not line.startswith("a=candidate:") or " udp " in line.lower()
    ]
    pattern = rf"^(a=candidate:\S+ 1 \S+ \d+ )127\.0\.0\.1 {server_port} "
    return "\r\n".join(re.sub(pattern, rf"\g<1>127.0.0.1 {port} ", line) for line in lines)
