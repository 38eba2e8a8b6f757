"""The compiled packet path of one worker, and what it hands back to Python.

Common packets pass through media/fastpath.c alone. For the others it leaves events, which are served here in
the order of arrival; and what recorders get waits on the reel of each layer (media/reel.py) until the room's
tick, or until something comes that must not overtake it, or until half of the reel is full. If it should
fill up altogether, packets go to the recorder one by one: nothing is dropped.
"""

import time
from collections import Counter
from itertools import count
from typing import Any, Protocol, Self

from media.aiortc_port import REPLAYED, protect_pointer, unprotect_pointer
from media.datagrams import ROUNDS, DatagramPort
from media.fastpath import (
    BATCH,
    EVENT_DECRYPTED,
    EVENT_MISSING,
    EVENT_RAW,
    EVENT_REEL,
    EVENT_REFUSED,
    EVENT_SHARED,
    MOST_PORTS,
    MOST_STREAMS,
    NAME_LENGTH,
    STRIDE,
    ffi,
    load,
    new,
)
from media.layer import Layer
from media.publication import Publication
from media.rtp import Packet, parse_packet
from media.sink import PacketSink


class Fanout(Protocol):
    """A room as the lane sees it. Neither call raises, whatever a sink does."""

    def share(
        self, publication: Publication, sinks: tuple[PacketSink, ...], packet: Packet, now: float
    ) -> None:
        """Write the packet to these of its sinks."""

    def deliver(self, publication: Publication) -> None:
        """Give its recorders what was kept for them."""


class Inlet(Protocol):
    """A transport as the lane sees it."""

    inbound: Any

    def receive_decrypted(self, slot: int, length: int, now: float) -> None:
        """An authentic packet, in clear in the incoming buffer."""


class Sorter(Protocol):
    """The gate as the lane sees it: where packets go that are not common."""

    counters: Counter[str]

    def receive(self, slot: int, length: int, key: bytes) -> None:
        """A datagram as it came from `key`."""

    def receive_decrypted(self, inlet: Inlet, slot: int, length: int) -> None:
        """An authentic packet, in clear."""


class FastLane:
    """Owns the struct worker. Transports and layers are kept alive here while C knows them."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._worker: Any = new("worker")
        self._worker.unprotect, self._worker.protect = unprotect_pointer(ffi), protect_pointer(ffi)
        self.read_clock()
        self._events = memoryview(ffi.buffer(self._worker.events))
        self._numbers = count(1)
        self._inlets: dict[int, Inlet] = {}
        self._layers: dict[int, tuple[Publication, Layer, Fanout]] = {}

    @classmethod
    def open(cls) -> Self | None:
        """A lane, or None where nothing was compiled."""
        library = load()
        return cls(library) if library is not None else None

    def watch(self, port: DatagramPort) -> None:
        """Let `wait` read this port. Raises ValueError when there are too many."""
        if self._worker.port_count >= MOST_PORTS:
            raise ValueError(f"at most {MOST_PORTS} ports")
        port.time_arrivals()
        self._worker.ports[self._worker.port_count] = port.state
        self._worker.port_count += 1

    def wait(self, epoll_fd: int, deadline: float) -> list[tuple[int, int]]:
        """epoll_wait until `deadline` (monotonic seconds, -1: without end), serving packets meanwhile.

        Returns descriptors and their events. The interpreter's lock is free while it waits and serves.
        """
        worker = self._worker
        count = self._library.wait_ready(worker, epoll_fd, deadline)
        return [(worker.ready_fd[place], worker.ready_events[place]) for place in range(count)]

    @property
    def forwarded(self) -> int:
        """Incoming packets that were served without Python."""
        return int(self._worker.forwarded)

    def bind(self, key: bytes, resident: object) -> None:
        """Packets from this address belong to that transport."""
        inbound = getattr(resident, "inbound", None)
        if inbound is None or len(key) > NAME_LENGTH:
            return
        if not inbound.number:
            inbound.number = next(self._numbers)
        self._inlets[inbound.number] = resident  # type: ignore[assignment]
        self._library.bind_address(self._worker, key, len(key), inbound)

    def unbind(self, key: bytes) -> None:
        """Nobody is known at this address."""
        self._library.unbind_address(self._worker, key, len(key))

    def forget(self, resident: object) -> None:
        """The transport is gone and its addresses are unbound."""
        inbound = getattr(resident, "inbound", None)
        if inbound is not None:
            self._inlets.pop(inbound.number, None)

    def adopt(self, inbound: Any, publication: Publication, layer: Layer, room: Fanout) -> None:
        """Serve this layer, which has begun to arrive on the transport."""
        if inbound.stream_count >= MOST_STREAMS or layer.state.number:
            return
        layer.state.number = next(self._numbers)
        self._layers[layer.state.number] = (publication, layer, room)
        inbound.streams[inbound.stream_count] = layer.state
        inbound.stream_count += 1

    def disown(self, inbound: Any, publication: Publication) -> None:
        """The Publication ends: its layers are forgotten."""
        for layer in publication.layers:
            if self._layers.pop(layer.state.number, None) is not None:
                self._remove(inbound, layer)

    def _remove(self, inbound: Any, layer: Layer) -> None:
        kept = [inbound.streams[i] for i in range(inbound.stream_count)]
        kept = [stream for stream in kept if stream.number != layer.state.number]
        for place, stream in enumerate(kept):
            inbound.streams[place] = stream
        inbound.stream_count = len(kept)
        layer.state.number = 0

    def read(self, port: DatagramPort, now: float, sorter: Sorter) -> None:
        """Serve the events that `wait` came back with, or else read what has arrived, at most ROUNDS
        batches; answers are flushed after each."""
        worker = self._worker
        for _ in range(ROUNDS):
            read = 0 if worker.event_count else self._library.read_batch(worker, port.state, now)
            if worker.event_count:
                self._serve(port, now, sorter)
                port.flush()
            if read < BATCH:
                return

    def _serve(self, port: DatagramPort, now: float, sorter: Sorter) -> None:
        count, self._worker.event_count = self._worker.event_count, 0
        for place in range(count):
            kind, slot, length, number, index = self._event(place)
            if kind == EVENT_RAW:
                sorter.receive(slot, length, port.key(slot))
            elif kind == EVENT_DECRYPTED:
                inlet = self._inlets.get(number)  # None: an earlier event of this batch ended it
                if inlet is not None:
                    sorter.receive_decrypted(inlet, slot, length)
            elif kind == EVENT_REFUSED:
                sorter.counters["replayed" if number in REPLAYED else "forged"] += 1
            elif kind == EVENT_MISSING:
                self._notice(number, index, length, now)
            elif kind == EVENT_REEL:
                self._deliver(number)
            else:
                data = port.incoming[slot * STRIDE : slot * STRIDE + length].tobytes()
                self._share(number, data, index, now, by_hand=kind == EVENT_SHARED)

    def _notice(self, number: int, index: int, missing: int, now: float) -> None:
        found = self._layers.get(number)
        if found is not None:
            found[1].notice(index, missing, now)

    def _event(self, place: int) -> tuple[int, int, int, int, int]:
        event = self._worker.events[place]
        return event.kind, event.slot, event.length, event.number, event.index

    def read_clock(self) -> None:
        """By how much the wall clock is ahead; records carry both."""
        self._worker.wall_offset = time.time_ns() - time.monotonic_ns()

    def _deliver(self, number: int) -> None:
        found = self._layers.get(number)
        if found is not None:
            publication, _, room = found
            room.deliver(publication)

    def _share(self, number: int, data: bytes, index: int, at: float, by_hand: bool) -> None:
        """A packet for sinks that are written to by hand, or for recorders whose reel is full."""
        found = self._layers.get(number)
        if found is None:
            return
        publication, layer, room = found
        packet = self._packet(layer, data, index)
        if by_hand:
            room.share(publication, publication.by_hand, packet, at)
        else:
            room.deliver(publication)
            room.share(publication, publication.recorders, packet, at)

    @staticmethod
    def _packet(layer: Layer, data: bytes, index: int) -> Packet:
        packet = parse_packet(data)
        packet.index, packet.layer = index, layer
        packet.key_frame = False if layer.is_video else None
        layer.complete(packet)
        return packet
