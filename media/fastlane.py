"""The compiled packet path of one worker, and what it hands back to Python.

Common packets pass through media/fastpath.c alone. For the others it leaves events, which are served here in
the order of arrival; and what recorders get waits on the tape until `drain`, called every tick, before
anything that must not overtake it, and when half of the tape is full. If it should fill up altogether,
packets go to the recorder one by one: nothing is dropped.
"""

from collections import Counter
from collections.abc import Callable
from itertools import count
from struct import Struct
from typing import Any, Protocol, Self

from media.aiortc_port import REPLAYED, protect_pointer, unprotect_pointer
from media.datagrams import ROUNDS, DatagramPort
from media.fastpath import (
    BATCH,
    EVENT_DECRYPTED,
    EVENT_MISSING,
    EVENT_RAW,
    EVENT_REFUSED,
    EVENT_SHARED,
    EVENT_TAPE,
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

TAPE = 4 * 1024 * 1024
TAPED = Struct("=iIqd")  # struct taped of fastpath.h

# Writes a packet to these sinks of a Publication, whatever each of them does.
Share = Callable[[Publication, tuple[PacketSink, ...], Packet, float], None]


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
        self._tape = ffi.new("char[]", TAPE)
        self._tape_view = memoryview(ffi.buffer(self._tape))
        self._worker.tape, self._worker.tape_size = self._tape, TAPE
        self._events = memoryview(ffi.buffer(self._worker.events))
        self._numbers = count(1)
        self._inlets: dict[int, Inlet] = {}
        self._layers: dict[int, tuple[Publication, Layer, Share]] = {}

    @classmethod
    def open(cls) -> Self | None:
        """A lane, or None where nothing was compiled."""
        library = load()
        return cls(library) if library is not None else None

    def watch(self, port: DatagramPort) -> None:
        """Let `wait` read this port. Raises ValueError when there are too many."""
        if self._worker.port_count >= MOST_PORTS:
            raise ValueError(f"at most {MOST_PORTS} ports")
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

    def adopt(self, inbound: Any, publication: Publication, layer: Layer, share: Share) -> None:
        """Serve this layer, which has begun to arrive on the transport."""
        if inbound.stream_count >= MOST_STREAMS or layer.state.number:
            return
        layer.state.number = next(self._numbers)
        self._layers[layer.state.number] = (publication, layer, share)
        inbound.streams[inbound.stream_count] = layer.state
        inbound.stream_count += 1

    def disown(self, inbound: Any, publication: Publication) -> None:
        """The Publication ends: what is on the tape is delivered, then its layers are forgotten."""
        self.drain()
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
                self.drain()
                inlet = self._inlets.get(number)  # None: an earlier event of this batch ended it
                if inlet is not None:
                    sorter.receive_decrypted(inlet, slot, length)
            elif kind == EVENT_REFUSED:
                sorter.counters["replayed" if number in REPLAYED else "forged"] += 1
            elif kind == EVENT_MISSING:
                self._notice(number, index, length, now)
            elif kind == EVENT_TAPE:
                self.drain()
            else:
                if kind != EVENT_SHARED:
                    self.drain()
                data = port.incoming[slot * STRIDE : slot * STRIDE + length].tobytes()
                self._share(number, data, index, now, taped=kind != EVENT_SHARED)

    def _notice(self, number: int, index: int, missing: int, now: float) -> None:
        found = self._layers.get(number)
        if found is not None:
            found[1].notice(index, missing, now)

    def _event(self, place: int) -> tuple[int, int, int, int, int]:
        event = self._worker.events[place]
        return event.kind, event.slot, event.length, event.number, event.index

    def drain(self) -> None:
        """Give recorders what is on the tape."""
        end = self._worker.tape_end
        if not end:
            return
        # First, because a sink may have us called again.
        self._worker.tape_end = 0
        tape = bytes(self._tape_view[:end])
        offset = 0
        while offset < end:
            number, length, index, at = TAPED.unpack_from(tape, offset)
            offset += TAPED.size
            self._record(number, tape[offset : offset + length], index, at)
            offset = (offset + length + 7) & ~7

    def _record(self, number: int, data: bytes, index: int, at: float) -> None:
        found = self._layers.get(number)
        if found is None:
            return
        publication, layer, share = found
        for sink in publication.taped:
            try:
                sink.record(data, layer, at)  # type: ignore[attr-defined]
            except Exception:  # noqa: BLE001 - one that has no `record`, or fails: the router deals with it
                share(publication, (sink,), self._packet(layer, data, index), at)

    def _share(self, number: int, data: bytes, index: int, at: float, taped: bool) -> None:
        found = self._layers.get(number)
        if found is None:
            return
        publication, layer, share = found
        sinks = publication.taped if taped else publication.by_hand
        share(publication, sinks, self._packet(layer, data, index), at)

    @staticmethod
    def _packet(layer: Layer, data: bytes, index: int) -> Packet:
        packet = parse_packet(data)
        packet.index, packet.layer = index, layer
        packet.key_frame = False if layer.is_video else None
        layer.complete(packet)
        return packet
