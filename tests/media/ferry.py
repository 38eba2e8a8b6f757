"""A user-space UDP relay between browsers and a worker: it takes its time, and can change its addresses."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any


class Ferry:
    """Listens on `port`; each browser socket gets a socket of its own towards the worker.

    `delay` is in seconds each way. `move` gives all of them new source ports and addresses, without a word
    to either side, as a router does that has lost its table.
    """

    def __init__(self, target: tuple[str, int], delay: float = 0.0) -> None:
        self.target = target
        self.delay = delay
        self.port = 0
        self.carried = 0
        self._loop = asyncio.get_running_loop()
        self._shore: asyncio.DatagramTransport
        self._boats: dict[tuple[str, int], asyncio.DatagramTransport] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Ferry:
        self._shore, _ = await self._loop.create_datagram_endpoint(
            lambda: _Hands(self._outwards), local_addr=("127.0.0.1", 0)
        )
        self.port = self._shore.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        self._shore.close()
        self.move()

    def rewrite(self, sdp: str) -> str:
        """The description with the ferry in place of the worker, and UDP only."""
        lines = [line for line in sdp.split("\r\n") if not re.match(r"a=candidate:\S+ 1 tcp ", line)]
        return "\r\n".join(lines).replace(f" {self.target[1]} typ host", f" {self.port} typ host")

    def move(self) -> None:
        """From now on come from other addresses."""
        boats, self._boats = self._boats, {}
        for boat in boats.values():
            boat.close()

    def _outwards(self, data: bytes, browser: tuple[str, int]) -> None:
        if browser in self._boats:
            self._later(self._boats[browser].sendto, data)
            return
        task = asyncio.create_task(self._launch(data, browser))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _launch(self, data: bytes, browser: tuple[str, int]) -> None:
        boat, _ = await self._loop.create_datagram_endpoint(
            lambda: _Hands(lambda answer, _: self._later(self._shore.sendto, answer, browser)),
            remote_addr=self.target,
            family=socket.AF_INET,
        )
        known = self._boats.setdefault(browser, boat)
        if known is not boat:
            boat.close()
        self._later(known.sendto, data)

    def _later(self, send: Any, *arguments: Any) -> None:
        self.carried += 1
        if self.delay:
            self._loop.call_later(self.delay, send, *arguments)
        else:
            send(*arguments)


class _Hands(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)
