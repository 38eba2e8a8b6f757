"""The worker's end of the control socket: reads requests, answers them in order, tells events to all."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from media.control import (
    LENGTH_BYTES,
    ControlError,
    ControlProtocolError,
    Event,
    Reply,
    Request,
    dump_message,
    frame_length,
    parse_message,
)

logger = logging.getLogger(__name__)

# A controller that does not read is cut off, rather than filling the worker's memory. Bytes.
OUTGOING_CEILING = 8 * 1024 * 1024


class ControlServer:
    """Listens on a unix socket that only our own user may open."""

    def __init__(self, path: str, handle: Callable[[Request], Awaitable[dict[str, Any]]]) -> None:
        self._path = path
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether a controller is there."""
        return bool(self._writers)

    async def open(self) -> None:
        """Listen; a socket file left by a dead worker is replaced. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        previous = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        finally:
            os.umask(previous)

    async def close(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def emit(self, event: Event) -> None:
        """Tell every controller. With none connected the event is lost; Snapshot makes up for it."""
        if self._writers:
            frame = dump_message(event)
            for writer in list(self._writers):
                self._write(writer, frame)

    def _write(self, writer: asyncio.StreamWriter, frame: bytes) -> None:
        if writer.transport.get_write_buffer_size() > OUTGOING_CEILING:
            logger.error("A controller does not read its events; cutting it off")
            self._writers.discard(writer)
            writer.transport.abort()
            return
        writer.write(frame)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        logger.info("A controller has connected")
        try:
            while True:
                await self._serve_one(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            logger.info("A controller has gone")
        except ControlProtocolError as exc:
            logger.error("A controller sent something else than a request: %s", exc)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = frame_length(await reader.readexactly(LENGTH_BYTES))
        request = parse_message(await reader.readexactly(length))
        if not isinstance(request, Request):
            raise ControlProtocolError(type(request).__name__)
        self._write(writer, dump_message(await self._answer(request)))

    async def _answer(self, request: Request) -> Reply:
        try:
            result = await self._handle(request)
        except ControlError as exc:
            return Reply(request_id=request.request_id, ok=False, error_code=exc.code, detail=exc.detail)
        except Exception:
            logger.exception("%s failed", type(request).__name__)
            return Reply(request_id=request.request_id, ok=False, error_code="internal")
        return Reply(request_id=request.request_id, result=result)
