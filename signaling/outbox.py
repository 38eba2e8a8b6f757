"""Frames on their way to one client: a queue with a ceiling and one writer (house rule 6)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from signaling.protocol import CloseCode, dump
from signaling.pushes import Push

logger = logging.getLogger(__name__)
CEILING = 256
# A client that takes nothing for this long is gone, whatever TCP thinks.
STALL_SECONDS = 10.0
CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class _End:
    code: CloseCode


class Outbox:
    """Given: the socket and how to cut it. Owned: the queue and the writer task."""

    def __init__(self, socket: web.WebSocketResponse, cut: Callable[[], None]) -> None:
        self._socket = socket
        self._cut = cut
        self._queue: asyncio.Queue[str | _End] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None
        self.ending: CloseCode | None = None

    def start(self) -> None:
        """Begin to write; once."""
        self._writer = asyncio.create_task(self._write(), name="signaling writer")

    def put(self, message: Push) -> None:
        """Queue a message. A client that cannot keep up is cut, so nobody waits for it."""
        self.put_text(dump(message))

    def put_text(self, text: str) -> None:
        """Queue a frame that was dumped once for several clients."""
        if self.ending is not None:
            return
        if self._queue.qsize() >= CEILING:
            logger.warning("A client does not read; cut")
            self.ending = CloseCode.GOING_AWAY
            self._cut()
            return
        self._queue.put_nowait(text)

    def put_passing(self, text: str) -> None:
        """A frame that is worth nothing later: dropped while others wait."""
        if self._queue.empty():
            self.put_text(text)

    def end(self, code: CloseCode) -> None:
        """Close after what is queued; later messages are dropped."""
        if self.ending is None:
            self.ending = code
            self._queue.put_nowait(_End(code))

    async def finish(self) -> None:
        """Let the writer send the rest, then stop it."""
        if self._writer is None:
            return
        if self.ending is None:
            self.end(CloseCode.GOING_AWAY)
        try:
            await asyncio.wait({self._writer}, timeout=CLOSE_SECONDS)
        finally:
            self._writer.cancel()
        await asyncio.wait({self._writer})

    async def _write(self) -> None:
        try:
            while not isinstance(item := await self._queue.get(), _End):
                async with asyncio.timeout(STALL_SECONDS):
                    await self._socket.send_str(item)
            await self._socket.close(code=item.code)
        except (ConnectionError, TimeoutError, RuntimeError):
            # The client went away, or takes nothing: the reader notices the cut and cleans up.
            self._cut()
