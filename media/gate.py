"""The source filter: stands before every parser and decides which transport a datagram belongs to.

The first byte tells STUN (0-3), DTLS (20-63) and SRTP or SRTCP (128-191) apart (RFC 7983). DTLS and
SRTP are taken only from addresses whose ICE check passed; everything else is counted and dropped, so a
stranger's datagram never changes state.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Protocol

from media.datagrams import STRIDE, DatagramPort, Destination, destination_of
from media.ice import Credentials, build_binding_response, parse_binding_request

logger = logging.getLogger(__name__)

# Seconds between two log lines on exceptions in a parser.
LOG_INTERVAL = 60.0


class Resident(Protocol):
    """A transport as the gate sees it."""

    credentials: Credentials

    def confirm(self, destination: Destination, nominated: bool, now: float) -> None:
        """An authentic check came from there."""

    def receive_dtls(self, data: bytes) -> None:
        """A DTLS record from a confirmed address."""

    def receive_media(self, slot: int, length: int, now: float) -> None:
        """SRTP or SRTCP from a confirmed address, in the port's incoming buffer."""


class Gate:
    """Knows the transports of one worker by ICE fragment and by confirmed address."""

    def __init__(self, port: DatagramPort) -> None:
        self.port = port
        self.counters: Counter[str] = Counter()
        self._by_fragment: dict[str, Resident] = {}
        self._by_address: dict[bytes, Resident] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._logged_at = float("-inf")
        self._now = 0.0

    def admit(self, resident: Resident) -> None:
        """Answer checks for this transport from now on."""
        self._by_fragment[resident.credentials.fragment] = resident

    def dismiss(self, resident: Resident) -> None:
        """Forget the transport and its addresses."""
        self._by_fragment.pop(resident.credentials.fragment, None)
        for key in [k for k, r in self._by_address.items() if r is resident]:
            del self._by_address[key]

    def forget_address(self, key: bytes, resident: Resident) -> None:
        """Stop listening to one address of a transport."""
        if self._by_address.get(key) is resident:
            del self._by_address[key]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine owned by the gate; `close` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for what is still closing, then close the socket."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.3)
        for task in self._tasks:
            task.cancel()
        self.port.close()

    def read(self, now: float) -> None:
        """The socket is readable."""
        self._now = now
        self.port.receive(self.receive)

    def receive(self, slot: int, length: int, key: bytes) -> None:
        """One datagram from `key`. Any exception means: drop and count."""
        try:
            self._sort(slot, length, key)
        except Exception:
            self.counters["parser_error"] += 1
            if self._now - self._logged_at > LOG_INTERVAL:
                self._logged_at = self._now
                logger.exception("A datagram made a parser fail and was dropped")

    def _sort(self, slot: int, length: int, key: bytes) -> None:
        if not length:
            self.counters["empty"] += 1
            return
        first = self.port.incoming[slot * STRIDE]
        resident = self._by_address.get(key)
        if 128 <= first < 192 and resident is not None:
            resident.receive_media(slot, length, self._now)
        elif first < 4:
            self._check(bytes(self._datagram(slot, length)), key)
        elif 20 <= first < 64 and resident is not None:
            resident.receive_dtls(bytes(self._datagram(slot, length)))
        else:
            self.counters["stranger" if resident is None else "unknown"] += 1

    def _datagram(self, slot: int, length: int) -> memoryview:
        return self.port.incoming[slot * STRIDE : slot * STRIDE + length]

    def _check(self, data: bytes, key: bytes) -> None:
        request = parse_binding_request(data)
        resident = self._by_fragment.get(request.local_fragment) if request is not None else None
        if request is None or resident is None:
            self.counters["stun_dropped"] += 1
            return
        password = resident.credentials.password
        if not request.is_authentic(password):
            self.counters["stun_forged"] += 1
            return
        destination = destination_of(key)
        self._by_address[key] = resident
        self.port.send(build_binding_response(request, destination.name[:2], password), destination)
        resident.confirm(destination, request.nominated, self._now)
