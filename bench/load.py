"""The load generator: drives any number of peers from one thread."""

import asyncio
import heapq
import itertools
import random
import time
from typing import Self

from aiortc import RTCCertificate

from bench.arrivals import ArrivalBuffer
from bench.peer import Peer, Rooms
from bench.traffic import PreparedTrack
from bench.window import Window
from bench.wire import Wire

POLL_INTERVAL = 0.010
REPORT_INTERVAL = 1.0
CONSENT_INTERVAL = 4.0
# A step without a wait for the event loop may last this long.
_BREATH = 0.004


class LoadGenerator:
    """Sends every peer's packets when they are due and takes in what arrives.

    `precise` sleeps in the thread between packets (for measuring: nothing else should run on this loop);
    otherwise the event loop's own millisecond timers are good enough.
    """

    def __init__(self, address: str = "127.0.0.1", precise: bool = False, seed: int = 1) -> None:
        self.window = Window()
        self.peers: list[Peer] = []
        self.late = 0.0
        self._address = address
        self._precise = precise
        self._random = random.Random(seed)
        self._certificate = RTCCertificate.generateCertificate()
        self._arrivals = ArrivalBuffer()
        self._tracks = itertools.count(1)
        self._order = itertools.count()
        self._due: list[tuple[float, int, Peer, PreparedTrack]] = []
        self._chores: list[tuple[float, int, Peer, str]] = []
        self._next_poll = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="load generator")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def peer(self, rooms: Rooms, room_id: str, participant_id: str, publishes: bool = True) -> Peer:
        """A new peer, to be entered by `async with`."""
        return Peer(self, rooms, room_id, participant_id, publishes)

    def new_wire(self) -> Wire:
        """A new transport on a free port of this generator's address."""
        return Wire(self._certificate, self._address, self._arrivals)

    def new_track(self) -> int:
        """A number no other track of this generator has."""
        return next(self._tracks)

    def enlist(self, peer: Peer) -> None:
        """Begin to play and to listen for a peer, at a phase of its own."""
        now = time.monotonic()
        self.peers.append(peer)
        peer.subscribe_wire.listen(not self._precise)
        peer.publish_wire.listen(not self._precise)
        if peer.publishes:
            for track in peer.tracks:
                track.due = now + self._random.random() * 0.04
                heapq.heappush(self._due, (track.due, next(self._order), peer, track))
        for interval, chore in ((REPORT_INTERVAL, "reports"), (CONSENT_INTERVAL, "consent")):
            first = now + self._random.random() * interval
            heapq.heappush(self._chores, (first, next(self._order), peer, chore))

    def dismiss(self, peer: Peer) -> None:
        """Play nothing more for this peer."""
        if peer in self.peers:
            self.peers.remove(peer)
        self._due = [item for item in self._due if item[2] is not peer]
        self._chores = [item for item in self._chores if item[2] is not peer]
        heapq.heapify(self._due)
        heapq.heapify(self._chores)

    async def be_precise(self) -> None:
        """From now on sleep in the thread between packets and look into the sockets by the clock."""
        self._precise = True
        for peer in self.peers:
            peer.subscribe_wire.listen(False)
            peer.publish_wire.listen(False)
        await asyncio.sleep(0)

    def packets_sent(self) -> dict[int, int]:
        """Packets sent so far by track number."""
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
        if self._chores and self._chores[0][0] <= now:
            self._do_chores(now)
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
                self.late += now - when
                track.due = now
            wire = peer.publish_wire
            if wire.connected:
                wire.send_rtp(track.next(time.time_ns()))
            else:
                track.due = now + 0.02
            heapq.heapreplace(due, (track.due, order, peer, track))

    def _do_chores(self, now: float) -> None:
        while self._chores[0][0] <= now:
            when, order, peer, chore = self._chores[0]
            if chore == "reports":
                peer.send_reports()
                following = max(when + REPORT_INTERVAL, now)
            else:
                peer.keep_alive()
                following = max(when + CONSENT_INTERVAL, now)
            heapq.heapreplace(self._chores, (following, order, peer, chore))

    def _poll_all(self) -> None:
        for peer in self.peers:
            while peer.subscribe_wire.poll() == 64:
                pass
            peer.publish_wire.poll()
