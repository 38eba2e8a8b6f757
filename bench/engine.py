"""One thread of the compiled load generator: C for RTP, Python in between for what happens now and then."""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from bench.chores import Chores
from bench.native import Native
from bench.peer import Peer
from bench.seat import Seat
from bench.window import Tally

# Every socket is looked into once in so long.
POLL_INTERVAL_NS = 10_000_000
# Python gets its turn after so long, and does so many chores in it.
SLICE_NS = 4_000_000
CHORES_A_TURN = 8


class Engine:
    """Drives its peers from `start` to `stop`. Nobody else may use their wires meanwhile.

    `core` pins the thread; `capacity` is the number of latencies that can be kept.
    """

    def __init__(self, native: Native, core: int | None, capacity: int) -> None:
        self._native = native
        self._core = core
        self._seats: list[Seat] = []
        self._chores = Chores()
        self._thread = threading.Thread(target=self._work, name="generator", daemon=True)
        self._stopping = False
        self._error: Exception | None = None
        ffi = native.ffi
        self._latencies = ffi.new("int64_t[]", capacity)
        engine = self._engine = ffi.new("struct engine *")
        engine.protect, engine.unprotect = native.srtp("srtp_protect"), native.srtp("srtp_unprotect")
        engine.unprotect_rtcp = native.srtp("srtp_unprotect_rtcp")
        engine.latencies, engine.latency_capacity = self._latencies, capacity
        engine.poll_interval = POLL_INTERVAL_NS
        engine.window_start = engine.window_end = 1 << 62

    def add(self, peer: Peer, phase: float) -> None:
        """One more connected peer, before `start`. `phase` (0..1) spreads its chores."""
        seat = Seat(self._native, peer, 2 * len(self._seats))
        self._seats.append(seat)
        self._chores.add(seat, time.monotonic(), phase)

    def start(self) -> None:
        """Begin to send and to listen."""
        self._tracks = self._list("struct track *[]", [made for seat in self._seats for made in seat.tracks])
        self._wires = self._list("struct wire *[]", [made for seat in self._seats for _, made in seat.wires])
        engine = self._engine
        engine.tracks, engine.track_count = self._tracks, len(self._tracks)
        engine.wires, engine.wire_count = self._wires, len(self._wires)
        engine.next_poll = time.monotonic_ns()
        self._native.lib.generator_begin(engine)
        self._thread.start()

    def _list(self, kind: str, items: Sequence[Any]) -> Any:
        return self._native.ffi.new(kind, items)

    def stop(self) -> None:
        """End the thread; afterwards the wires may be closed. Raises what went wrong in it."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join()
        if self._error is not None:
            raise self._error

    def set_window(self, start_ns: int, end_ns: int) -> None:
        """Packets sent from the one and before the other count (ns of the wall clock); both yet to come."""
        self._engine.window_end = end_ns
        self._engine.window_start = start_ns

    def tally(self) -> Tally:
        """What was counted in the window. Raises what went wrong in the thread."""
        if self._error is not None:
            raise self._error
        engine = self._engine
        count = engine.latency_count
        buffer = self._native.ffi.buffer(self._latencies, 8 * count)
        return Tally(
            sent=engine.sent,
            delivered=engine.delivered,
            latencies=list(memoryview(buffer).cast("B").cast("q")) if count else [],
            duplicates=sum(made.replayed for seat in self._seats for _, made in seat.wires),
            refused=sum(made.refused for seat in self._seats for _, made in seat.wires),
            late=engine.late,
            worst_late=engine.worst_late / 1e9,
            unsent=sum(made.send_errors for seat in self._seats for _, made in seat.wires),
        )

    def _work(self) -> None:
        if self._core is not None:
            os.sched_setaffinity(0, {self._core})
        try:
            while not self._stopping:
                self._native.lib.generator_run(self._engine, time.monotonic_ns() + SLICE_NS)
                self._read_letters()
                self._chores.do(time.monotonic(), CHORES_A_TURN)
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the tally
            self._error = error

    def _read_letters(self) -> None:
        engine = self._engine
        for place in range(engine.letter_count):
            letter = engine.letters[place]
            self._seats[letter.wire.index // 2].read(letter)
        engine.letter_count = 0
