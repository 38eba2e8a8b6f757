"""The controller's end of the control socket. If the worker dies, `closed` is set and requests fail."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from media.control import (
    LENGTH_BYTES,
    ControlError,
    ControlProtocolError,
    Event,
    Message,
    Reply,
    Request,
    dump_message,
    frame_length,
    parse_message,
)

# A controller that lags this far behind must take a new Snapshot; the connection is cut.
EVENT_CEILING = 10_000
REQUEST_TIMEOUT = 15.0


class ControlClient:
    """One connection to one media worker. Not reconnecting: make a new client after `closed`.

    `async with ControlClient(path) as client:` or `await client.connect()` ... `await client.close()`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.closed = asyncio.Event()
        self._requests: dict[int, asyncio.Future[Reply]] = {}
        self._ids = itertools.count(1)
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Raises OSError when no worker listens there."""
        reader, self._writer = await asyncio.open_unix_connection(self.path)
        self._task = asyncio.create_task(self._read(reader), name=f"control client {self.path}")

    async def __aenter__(self) -> "ControlClient":
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def request(self, message: Request, timeout: float = REQUEST_TIMEOUT) -> dict[str, Any]:
        """Ask and wait for the result. Raises ControlError; its code is `closed` when the worker is gone."""
        if self._writer is None or self.closed.is_set():
            raise ControlError("closed", "not connected to the media worker")
        request_id = next(self._ids)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._requests[request_id] = answer
        try:
            self._writer.write(dump_message(replace(message, request_id=request_id)))
            async with asyncio.timeout(timeout):
                reply = await answer
        except TimeoutError as exc:
            raise ControlError("timeout", type(message).__name__) from exc
        except OSError as exc:
            raise ControlError("closed", str(exc)) from exc
        finally:
            self._requests.pop(request_id, None)
        if not reply.ok:
            raise ControlError(reply.error_code or "internal", reply.detail)
        return reply.result

    @property
    def events(self) -> AsyncIterator[Event]:
        """Events in order, ending when the connection closes. One consumer."""
        return self._iterate()

    async def next_event(self) -> Event | None:
        """The next event, or None once the connection is closed."""
        if self.closed.is_set() and self._events.empty():
            return None
        return await self._events.get()

    async def close(self) -> None:
        """Close the connection and wait for the reading task."""
        if self._task is not None:
            self._task.cancel()
            # Not `await`: it could not tell our own cancellation, which must go on, from the task's.
            await asyncio.wait({self._task})
            self._task = None
        self._end()

    async def _iterate(self) -> AsyncIterator[Event]:
        while (event := await self.next_event()) is not None:
            yield event

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = frame_length(await reader.readexactly(LENGTH_BYTES))
                self._take(parse_message(await reader.readexactly(length)))
        except (OSError, asyncio.IncompleteReadError, ControlProtocolError):
            pass  # The worker died or speaks another language: the end is all there is to tell.
        finally:
            self._end()

    def _take(self, message: Message) -> None:
        if isinstance(message, Reply):
            waiting = self._requests.get(message.request_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif isinstance(message, Event):
            if self._events.qsize() >= EVENT_CEILING:
                raise ControlProtocolError("the controller does not read its events")
            self._events.put_nowait(message)

    def _end(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        if self._writer is not None:
            self._writer.close()
        for waiting in self._requests.values():
            if not waiting.done():
                waiting.set_exception(ControlError("closed", "the media worker closed the connection"))
        self._events.put_nowait(None)
