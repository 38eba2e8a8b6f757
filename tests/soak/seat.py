"""One party of a soak sitting: a personal link, the real protocol, real transports. Comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import aiohttp

from bench.wire import ConnectError
from tests.soak.peer import SoakPeer, Workbench
from web.demo.peers import DemoPeer

PING_EVERY = 3.0
PATIENCE = 40.0
# What a command may meet while others leave, workers die and sittings end.
EXPECTED = (RuntimeError, ConnectError, ConnectionError, TimeoutError, aiohttp.ClientError)


class Seat(DemoPeer):
    """`come` once, then `leave`, `drop`, `vanish` and come back with `return_`. `refused` counts codes."""

    def __init__(
        self, number: int, base: str, path: str, http: aiohttp.ClientSession, bench: Workbench
    ) -> None:
        super().__init__(number, base, path, http)
        self.refused: Counter[str] = Counter()
        self.place = ""
        self.peer: SoakPeer | None = None
        self._bench = bench
        self._inside = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._negotiating = asyncio.Lock()
        self._pinging: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._socket is not None and not self._socket.closed

    # Coming and going

    async def come(self, notice: tuple[str, str]) -> None:
        """With the link, as a device that was never here."""
        await self._post(f"/j/{self.code}/exchange", json={"secret": self._secret})
        await self._agree(notice)
        await self.return_()

    async def return_(self, alive: bool = False) -> None:
        """On the same seat. `alive`: the transports were kept."""
        ticket = (await self._post(f"/j/{self.code}/ticket", json={}))["ticket"]
        self._answers.clear()
        self._socket = await self.http.ws_connect(self.base + "/ws", headers={"Origin": self.base})
        self._reader = asyncio.create_task(self._read(self._socket))
        fields = {"version": 1, "ticket": ticket, "publish_alive": alive, "subscribe_alive": alive}
        await self.ask("authenticate", **fields)
        self._pinging = self._pinging or self._spawn(self._ping())

    async def leave(self) -> None:
        await self.attempt("leave")
        await self.vanish()

    async def drop(self) -> None:
        """The socket is lost, the transports live."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    async def vanish(self) -> None:
        """Everything is lost without a word."""
        peer, self.peer = self.peer, None
        if peer is not None:
            await peer.close()
        await self.drop()

    async def close(self) -> None:
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.vanish()
        await self._connection.close()

    # Media

    async def negotiate(self) -> None:
        """Both transports anew; what is refused is tried again when the server says so."""
        async with self._negotiating:
            old, self.peer = self.peer, SoakPeer(self._bench, self.number)
            if old is not None:
                await old.close()
            peer = self.peer
            try:
                await peer.publish(self.ask)
                await self.ask("subscribe")
            except EXPECTED as error:
                self._note(error)

    async def hears(self, streams: int, timeout: float = PATIENCE) -> None:
        """Wait until fresh packets of so many streams have come. Raises AssertionError with what did."""
        loop = asyncio.get_running_loop()
        before, end = dict(self._heard()), loop.time() + timeout
        while True:
            fresh = sum(count - before.get(ssrc, 0) >= 5 for ssrc, count in self._heard().items())
            if fresh >= streams:
                return
            assert loop.time() < end, f"{self.number} hears {fresh} of {streams}, refused {self.refused}"
            await asyncio.sleep(0.1)

    def _heard(self) -> dict[int, int]:
        return self.peer.heard if self.peer is not None else {}

    # Commands and pushes

    async def attempt(self, kind: str, **fields: Any) -> bool:
        """A command that may be refused."""
        try:
            await self.ask(kind, **fields)
        except EXPECTED as error:
            self._note(error)
            return False
        return True

    async def admitted(self) -> None:
        await asyncio.wait_for(self._inside.wait(), PATIENCE)

    def send_away(self) -> None:
        self._inside.clear()

    def _note(self, error: BaseException) -> None:
        self.refused[str(error)[:60] or type(error).__name__] += 1

    def _take(self, message: dict[str, Any]) -> None:
        super()._take(message)
        kind = message["type"]
        if kind == "welcome":
            self.place = message["place"]
            if self.place == "room" and message["media"]["publish_needed"]:
                self._spawn(self.negotiate())
        elif kind == "admitted":
            self._inside.set()
            self._spawn(self.negotiate())
        elif kind == "media_restored" and (message["publish_needed"] or message["subscribe_needed"]):
            self._spawn(self.negotiate())
        elif kind == "offer" and self.peer is not None:
            self._spawn(self._answer(self.peer, message))

    async def _answer(self, peer: SoakPeer, offer: dict[str, Any]) -> None:
        if await self.attempt("answer", offer_id=offer["offer_id"], sdp=peer.answer(offer["sdp"])):
            peer.begin_hearing()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            with contextlib.suppress(*EXPECTED):
                await self.ask("ping")

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.refused[f"BROKEN {error!r}"[:120]] += 1


def sizes(dice: random.Random, others: list[str]) -> list[dict[str, Any]]:
    """How a page might show the others: large, small or not at all."""
    return [
        {
            "participant_id": other,
            "source": "camera",
            "height": dice.choice((90, 180, 360, 720)),
            "visible": dice.random() < 0.8,
        }
        for other in others
    ]
