"""The load generator: lets peers join, then drives any number of them.

By itself it drives them from one thread of Python. With `play` compiled engines take over, if a compiler is
there: one thread and one core each.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Sequence
from typing import Self

from aiortc import RTCCertificate

from bench.arrivals import ArrivalBuffer
from bench.chores import Chores
from bench.engine import Engine
from bench.native import Native
from bench.peer import Peer, Rooms
from bench.traffic import PreparedTrack
from bench.window import Tally, Window
from bench.wire import Wire

POLL_INTERVAL = 0.010
# Held peers begin one after the other, so far apart: no two hundred cameras are switched on at once.
STAGGER = 0.01
# Phases of tracks are spread over so long.
SPREAD = 0.04
# A step without a wait for the event loop may last this long.
_BREATH = 0.004
# A window is announced so long before it begins.
LEAD_NS = 100_000_000
_LATE = 0.005


class LoadGenerator:
    """Sends every peer's packets when they are due and takes in what arrives.

    With `held` peers only join and keep their transports alive until `play`; `feedback` makes them agree to
    transport-wide numbers.
    """

    def __init__(
        self, address: str = "127.0.0.1", held: bool = False, seed: int = 1, feedback: bool = False
    ) -> None:
        self.window = Window()
        self.peers: list[Peer] = []
        self._address = address
        self._held = held
        self._feedback = feedback
        self._precise = False
        self._random = random.Random(seed)
        self._certificate = RTCCertificate.generateCertificate()
        self._arrivals = ArrivalBuffer()
        self._tracks = itertools.count(1)
        self._order = itertools.count()
        self._due: list[tuple[float, int, Peer, PreparedTrack]] = []
        self._chores = Chores()
        self._engines: list[Engine] = []
        self._late = 0
        self._worst_late = 0.0
        self._next_poll = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="load generator")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.rest()
        await self._stop_task()

    def rest(self) -> None:
        """Stop the engines, so that wires may be closed. Raises what went wrong in one of them."""
        engines, self._engines = self._engines, []
        for engine in engines:
            engine.stop()

    async def _stop_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def peer(self, rooms: Rooms, room_id: str, participant_id: str, publishes: bool = True) -> Peer:
        """A new peer, to be entered by `async with`."""
        return Peer(self, rooms, room_id, participant_id, publishes, self._feedback)

    def new_wire(self) -> Wire:
        """A new transport on a free port of this generator's address."""
        return Wire(self._certificate, self._address, self._arrivals)

    def new_track(self) -> int:
        """A number no other track of this generator has."""
        return next(self._tracks)

    def enlist(self, peer: Peer) -> None:
        """Begin to listen and, unless held, to play for a peer, at a phase of its own."""
        self.peers.append(peer)
        peer.subscribe_wire.listen(True)
        peer.publish_wire.listen(True)
        self._chores.add(peer, time.monotonic(), self._random.random())
        if not self._held:
            self._begin(peer, time.monotonic())

    def _begin(self, peer: Peer, now: float) -> None:
        for track in peer.tracks if peer.publishes else ():
            track.due = now + self._random.random() * SPREAD
            heapq.heappush(self._due, (track.due, next(self._order), peer, track))

    def dismiss(self, peer: Peer) -> None:
        """Play nothing more for this peer."""
        if peer in self.peers:
            self.peers.remove(peer)
        self._due = [item for item in self._due if item[2] is not peer]
        heapq.heapify(self._due)
        self._chores.remove(peer)

    async def play(self, native: Native | None, cores: Sequence[int | None], capacity: int) -> float:
        """Let the held peers begin one after the other, and precisely: nothing else should run on this loop.

        `native` is the compiled generator or None, `cores` one for each of its threads, `capacity` the
        number of latencies that each may have to keep. Returns the seconds until the last has begun.
        """
        self._held = False
        first = time.monotonic()
        for place, peer in enumerate(self.peers):
            self._begin(peer, first + place * STAGGER)
            peer.subscribe_wire.listen(False)
            peer.publish_wire.listen(False)
        last = len(self.peers) * STAGGER
        if native is None:
            self._precise = True
            return last
        await self._stop_task()
        self._engines = [Engine(native, core, capacity) for core in cores]
        for number, peer in enumerate(self.peers):
            self._engines[number % len(cores)].add(peer, self._random.random())
        for engine in self._engines:
            engine.start()
        return last

    def set_window(self, seconds: float) -> Window:
        """Packets sent in so many seconds, from a moment on, count. Raises TimeoutError on a machine that
        stands still meanwhile."""
        self._late, self._worst_late = 0, 0.0
        start = time.time_ns() + LEAD_NS
        self.window.set(start, start + int(seconds * 1e9))
        for engine in self._engines:
            engine.set_window(self.window.start_ns, self.window.end_ns)
        if time.time_ns() >= start:
            raise TimeoutError("the machine stood still when the window was to begin")
        return self.window

    def tally(self) -> Tally:
        """What became of the packets of the window."""
        if self._engines:
            tally = Tally()
            for engine in self._engines:
                tally = tally.plus(engine.tally())
            return tally
        wires = [wire for peer in self.peers for wire in (peer.publish_wire, peer.subscribe_wire)]
        return Tally(
            sent=self.window.sent,
            delivered=len(self.window.latencies),
            latencies=self.window.latencies,
            refused=sum(wire.refused for wire in wires),
            late=self._late,
            worst_late=self._worst_late,
            unsent=sum(wire.send_errors for wire in wires),
        )

    def packets_sent(self) -> dict[int, int]:
        """Packets sent so far by track number; while engines run, as of each peer's last report."""
        return {track.track: track.number for peer in self.peers for track in peer.tracks}

    async def _run(self) -> None:
        while True:
            breath_until = time.monotonic() + _BREATH
            wait = self._step()
            while self._precise and time.monotonic() < breath_until:
                time.sleep(max(0.0, min(wait, _BREATH / 2)))  # noqa: ASYNC251
                wait = self._step()
            await asyncio.sleep(0 if self._precise else 0.002)

    def _step(self) -> float:
        """Do all that is due; returns the seconds until the next packet."""
        now = time.monotonic()
        self._send_due(now)
        self._chores.do(now)
        if self._precise and now >= self._next_poll:
            self._next_poll = now + POLL_INTERVAL
            self._poll_all()
        return self._due[0][0] - time.monotonic() if self._due else _BREATH

    def _send_due(self, now: float) -> None:
        due = self._due
        while due and due[0][0] <= now:
            when, order, peer, track = due[0]
            if now - when > 1.0:
                # The machine stood still: do not answer with a burst.
                track.due = now
            wire, sent_ns = peer.publish_wire, time.time_ns()
            if wire.connected:
                self._count(sent_ns, now - when)
                wire.send_rtp(track.next(sent_ns))
            else:
                track.due = now + 0.02
            heapq.heapreplace(due, (track.due, order, peer, track))

    def _count(self, sent_ns: int, behind: float) -> None:
        if self.window.holds(sent_ns):
            self.window.sent += 1
            self._late += behind > _LATE
            self._worst_late = max(self._worst_late, behind)

    def _poll_all(self) -> None:
        for peer in self.peers:
            while peer.subscribe_wire.poll() == 64:
                pass
            peer.publish_wire.poll()
