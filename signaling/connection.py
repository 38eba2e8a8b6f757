"""One WebSocket: an authentication phase, then a command phase, one writer, one translator of trouble."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from aiohttp import WSMsgType, web

from cases.errors import Forbidden, NotFound, RuleError
from signaling.commands import Authenticate, Command, Ping
from signaling.outbox import Outbox
from signaling.pace import Pace, Patience
from signaling.protocol import VERSION, CloseCode, ErrorCode, ProtocolError, parse
from signaling.pushes import Error, Ok, Pong, Push

logger = logging.getLogger(__name__)
AUTHENTICATION_SECONDS = 10.0
# Rules that end a right without being Forbidden.
NO_RIGHT = frozenset({"link_revoked", "consent_needed"})
Result = TypeVar("Result")


class Guest(Protocol):
    """Whoever the connection speaks for once it is authenticated."""

    async def carry_out(self, command: Command) -> Ok:
        """Do what the command asks. Raises RuleError."""

    def gone(self) -> None:
        """The connection ended, however it did."""


class Door(Protocol):
    """Lets connections in."""

    async def enter(self, connection: Connection, command: Authenticate) -> Guest | None:
        """Redeem the ticket, take the seat, say welcome; None when the session is over. Raises RuleError."""


class Connection:
    """Given: the upgraded socket, the door, what to call once the first phase is over. Owned: the outbox."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, door: Door, known: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._request = request
        self._door = door
        self._known = known
        self._guest: Guest | None = None
        self._farewell: CloseCode | None = None
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._heard_at = loop.time()
        self._pace = Pace(loop.time())
        self._patience = Patience()
        self._outbox = Outbox(socket, self.cut)
        self.greeted = False

    # API

    def greet(self, welcome: Push) -> None:
        """The first message after authentication; until then the room tells this client nothing."""
        self.greeted = True
        self.push(welcome)

    def push(self, message: Push) -> None:
        """Queue a message for the client; never waits."""
        self._outbox.put(message)

    def push_text(self, text: str) -> None:
        """Queue a frame that was dumped once for several clients."""
        self._outbox.put_text(text)

    def push_passing(self, text: str) -> None:
        """A frame that is worth nothing later; a client that is behind does not get it."""
        self._outbox.put_passing(text)

    def end(self, code: CloseCode) -> None:
        """Close with this code once the queue is written."""
        self._outbox.end(code)

    def end_after_answer(self, code: CloseCode) -> None:
        """Close once the command that is being carried out was answered."""
        self._farewell = code

    @property
    def ending(self) -> bool:
        """Was the end decided already?"""
        return self._outbox.ending is not None

    @property
    def quiet_for(self) -> float:
        """Seconds since the client's last frame."""
        return self._time() - self._heard_at

    def cut(self) -> None:
        """Drop the TCP connection at once, for a client that does not read."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def run(self) -> None:
        """Serve until the socket ends; then tell the guest, whatever happened."""
        self._outbox.start()
        try:
            try:
                inside = await self._authenticate()
            finally:
                self._known()
            if inside:
                await self._serve()
        finally:
            try:
                if self._guest is not None:
                    self._guest.gone()
            finally:
                await self._outbox.finish()

    # Phases

    async def _authenticate(self) -> bool:
        try:
            async with asyncio.timeout(AUTHENTICATION_SECONDS):
                text = await self._receive()
        except TimeoutError:
            self.end(CloseCode.TOO_LATE)
            return False
        if text is None:
            return False
        return await self._let_in(text)

    async def _let_in(self, text: str) -> bool:
        command = self._read(text)
        if not isinstance(command, Authenticate):
            return self._turn_away(command, ErrorCode.NOT_AUTHENTICATED, "请先验证身份")
        if command.version != VERSION:
            return self._turn_away(command, ErrorCode.UNSUPPORTED_VERSION, "页面版本已更新，请刷新页面")
        try:
            await _whole(self._enter(command))
        except RuleError as error:
            return self._turn_away(command, error.code, error.message, _close_code(error))
        except Exception:
            logger.exception("Authentication failed")
            self._turn_away(command, ErrorCode.INTERNAL, INTERNAL_MESSAGE, CloseCode.GOING_AWAY)
            return False
        return self._guest is not None

    async def _enter(self, command: Authenticate) -> None:
        self._guest = await self._door.enter(self, command)

    def _turn_away(
        self,
        command: Command | None,
        code: str,
        message: str,
        close: CloseCode = CloseCode.NOT_AUTHENTICATED,
    ) -> bool:
        if command is not None:
            self.push(Error(command.id, code, message))
        self.end(close)
        return False

    async def _serve(self) -> None:
        while not self.ending:
            text = await self._receive()
            if text is None:
                return
            command = self._read(text)
            if command is not None:
                await self._answer(command)
            if self._farewell is not None:
                self.end(self._farewell)

    async def _answer(self, command: Command) -> None:
        """The one translator: rules speak to the person, anything else is our fault and is logged."""
        assert self._guest is not None
        if isinstance(command, Ping):
            self.push(Pong(command.id))
            return
        try:
            self.push(await _whole(self._guest.carry_out(command)))
        except RuleError as error:
            self.push(Error(command.id, error.code, error.message))
        except Exception:
            logger.exception("Command %s failed", type(command).__name__)
            self.push(Error(command.id, ErrorCode.INTERNAL, INTERNAL_MESSAGE))

    # Frames

    async def _receive(self) -> str | None:
        """The next text frame within the pace, or None when the connection is over."""
        frame = await self._socket.receive()
        self._heard_at = self._time()
        if self.ending:
            return None
        if frame.type is WSMsgType.TEXT:
            return str(frame.data) if self._keeps_pace() else None
        if frame.type is WSMsgType.BINARY:
            self.end(CloseCode.NOT_TEXT)
        return None

    def _keeps_pace(self) -> bool:
        if self._pace.allows(self._time()):
            return True
        self.push(Error(None, ErrorCode.TOO_FAST, "操作太频繁，请稍候再试"))
        self.end(CloseCode.TOO_FAST)
        return False

    def _read(self, text: str) -> Command | None:
        try:
            return parse(text)
        except ProtocolError as error:
            self.push(Error(error.request_id, error.code, error.message))
            counts = error.code in (ErrorCode.BAD_MESSAGE, ErrorCode.UNKNOWN_TYPE)
            if counts and self._patience.exhausted(self._time()):
                self.end(CloseCode.POLICY)
            return None


async def _whole(work: Coroutine[Any, Any, Result]) -> Result:
    """Finish what was begun, also when this connection is cancelled in the midst of it.

    Left half done, the database would know of a step that the room does not, and refuse whoever comes next.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _close_code(error: RuleError) -> CloseCode:
    """4403 only for who has no right to the seat; what may be otherwise in a moment invites to come again."""
    if error.code == ErrorCode.TICKET_INVALID:
        return CloseCode.NOT_AUTHENTICATED
    if error.code == ErrorCode.TOO_FAST:
        return CloseCode.TOO_FAST
    no_right = isinstance(error, Forbidden | NotFound) or error.code in NO_RIGHT
    return CloseCode.FORBIDDEN if no_right else CloseCode.TRY_AGAIN


INTERNAL_MESSAGE = "系统出了点问题，请稍候再试"
