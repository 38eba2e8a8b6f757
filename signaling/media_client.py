"""Links to the media workers: keeps them connected, notices a dead one, places rooms on the least loaded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Protocol

from cases.errors import RuleError
from media.client import ControlClient
from media.control import ControlError, Event, Load, Request, Snapshot
from signaling.protocol import ErrorCode

logger = logging.getLogger(__name__)
RETRY_SECONDS = 0.1
REQUEST_SECONDS = 5.0
FIRST_ANSWER_SECONDS = 2.0
# A worker that hangs keeps its socket open; it is asked for a sign of life this often.
PULSE_SECONDS = 2.0
# Shares of one core. Above FULL no new room is placed; a room is taken to cost PLEDGE until it was measured.
FULL = 0.7
PLEDGE = 0.02


class Unavailable(RuleError):
    """No media worker can serve this now; `media_restored` will come."""

    default_code = ErrorCode.MEDIA_UNAVAILABLE.value
    default_message = "音视频服务正在恢复，请稍候"


class Overloaded(Unavailable):
    """Every media worker is at its limit: no new room. Rooms that exist go on, and form again."""

    default_code = ErrorCode.OVERLOADED.value
    default_message = (
        "正在进行的接访太多，服务器忙不过来。请等几分钟再开始，页面会自动接通；着急请联系技术人员。"
    )


class WorkerListener(Protocol):
    """Whoever owns the rooms."""

    async def worker_came(self, link: WorkerLink, rooms: dict[str, dict[str, Any]]) -> None:
        """A worker answers; `rooms` is what it holds, by room id."""

    def worker_said(self, link: WorkerLink, event: Event) -> None:
        """An event, in order."""

    async def worker_lost(self, link: WorkerLink) -> None:
        """The worker died or its socket broke."""


class WorkerLink:
    """One worker's control socket. Owned: a task that connects, listens, and connects again."""

    def __init__(self, path: str, listener: WorkerListener) -> None:
        self.path = path
        self.asked = asyncio.Event()
        # Share of one core: as measured, and with what was placed there since.
        self.load = 0.0
        self._listener = listener
        self._client: ControlClient | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Can it be asked now?"""
        return self._client is not None and not self._client.closed.is_set()

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run(), name=f"media link {self.path}")

    async def close(self) -> None:
        """Stop; the worker and its rooms go on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def request(self, message: Request) -> dict[str, Any]:
        """Ask the worker. Raises Unavailable when it is gone, RuleError with its code when it refuses."""
        if self._client is None:
            raise Unavailable()
        try:
            return await self._client.request(message, REQUEST_SECONDS)
        except ControlError as error:
            raise _translate(error) from error

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except OSError:
                pass  # Nobody listens there yet; the next attempt is near.
            except Exception:
                logger.exception("Listening to the media worker at %s failed", self.path)
            self.asked.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self) -> None:
        async with ControlClient(self.path) as client:
            self._client = client
            try:
                await self._greet()
                await self._listen(client)
            except RuleError:
                pass  # It died while we asked.
            finally:
                self._client = None
        await self._listener.worker_lost(self)

    async def _greet(self) -> None:
        answer = await self.request(Snapshot())
        await self._weigh()
        rooms = {room["room_id"]: room for room in answer.get("rooms", [])}
        await self._listener.worker_came(self, rooms)
        self.asked.set()

    async def _listen(self, client: ControlClient) -> None:
        pulse = asyncio.create_task(self._feel_pulse(client), name=f"media pulse {self.path}")
        try:
            await self._read_events(client)
        finally:
            pulse.cancel()
            await asyncio.wait({pulse})

    async def _feel_pulse(self, client: ControlClient) -> None:
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            try:
                await self._weigh()
            except RuleError:
                logger.error("The media worker at %s does not answer", self.path)
                await client.close()
                return

    async def _weigh(self) -> None:
        self.load = float((await self.request(Load()))["cpu"])

    async def _read_events(self, client: ControlClient) -> None:
        while (event := await client.next_event()) is not None:
            try:
                self._listener.worker_said(self, event)
            except Exception:
                # One event that is not understood must not cost the others their worker.
                logger.exception("Event %s", type(event).__name__)


class MediaWorkers:
    """All links. Owned: the links."""

    def __init__(self, paths: Iterable[str], listener: WorkerListener) -> None:
        self.links = [WorkerLink(path, listener) for path in paths]

    async def start(self) -> None:
        """Connect, and wait shortly so that rooms which still live are known before people come."""
        for link in self.links:
            link.start()
        asked = [asyncio.ensure_future(link.asked.wait()) for link in self.links]
        if asked:
            _, late = await asyncio.wait(asked, timeout=FIRST_ANSWER_SECONDS)
            for task in late:
                task.cancel()

    async def close(self) -> None:
        """Disconnect; workers and rooms go on."""
        for link in self.links:
            await link.close()

    def pick(self, new: bool) -> WorkerLink | None:
        """The connected worker with the smallest load. Raises Overloaded for a new room when that is full."""
        ready = [link for link in self.links if link.connected]
        if not ready:
            return None
        best = min(ready, key=lambda link: link.load)
        if new and best.load >= FULL:
            raise Overloaded()
        best.load += PLEDGE
        return best


def _translate(error: ControlError) -> RuleError:
    if error.code in ("closed", "timeout"):
        return Unavailable()
    if error.code == "bad_sdp":
        return RuleError(ErrorCode.BAD_SDP, "浏览器的音视频协商内容不被接受")
    if error.code in ("not_found", "stale_offer"):
        return RuleError(ErrorCode.BAD_STATE, "音视频连接已变化，请重新连接")
    logger.error("The media worker refused: %s", error)
    return RuleError(ErrorCode.INTERNAL, "音视频服务出了点问题，请稍候再试")
