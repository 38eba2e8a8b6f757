"""The source filter: stands before every parser and decides which transport a datagram belongs to.

The first byte tells STUN (0-3), DTLS (20-63) and SRTP or SRTCP (128-191) apart (RFC 7983). DTLS and
SRTP are taken only from addresses whose ICE check passed; everything else is counted and dropped, so a
stranger's datagram never changes state.

An ICE check costs an HMAC once its user name is known, so strangers get only so many in a second: for
each transport they name, and for each address they come from. An address that has passed has an allowance
of its own, which strangers cannot use up.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Protocol

from media.allowance import Allowance
from media.datagrams import DatagramPort, Destination, Port
from media.fastlane import FastLane, Inlet
from media.fastpath import STRIDE
from media.ice import BindingRequest, Credentials, build_binding_response, parse_binding_request
from media.networks import Networks

logger = logging.getLogger(__name__)

# Seconds between two log lines on exceptions in a parser.
LOG_INTERVAL = 60.0
# Checks in a second. A browser sends about 20 at first, one in 2.5 s later; a hall may share one address.
CHECKS_FOR_TRANSPORT = 60
CHECKS_FROM_HOST = 600
CHECKS_FROM_PEER = 100
# Seconds that a packet may wait for something that takes long; looking costs as much as a packet does.
POLL_INTERVAL = 0.0002


class Resident(Protocol):
    """A transport as the gate sees it."""

    credentials: Credentials

    def confirm(self, destination: Destination, nominated: bool, now: float) -> None:
        """An authentic check came from there."""

    def receive_dtls(self, data: bytes) -> None:
        """A DTLS record from a confirmed address."""

    def receive_media(self, slot: int, length: int, now: float) -> None:
        """SRTP or SRTCP from a confirmed address, in the port's incoming buffer."""

    def lose(self, key: bytes) -> None:
        """A confirmed address cannot be reached any more."""


class Gate:
    """Knows the transports of one worker by ICE fragment and by confirmed address.

    Given: the UDP ports, which must read in batches when there is a `lane`, closed by `close`; `join` adds
    another way out that closes itself.
    """

    def __init__(
        self,
        port: DatagramPort,
        *others: DatagramPort,
        networks: Networks | None = None,
        lane: FastLane | None = None,
    ) -> None:
        self.port = port
        self.udp_ports = (port, *others)
        self.counters: Counter[str] = Counter()
        self.lane = lane
        # Transports that were dismissed so far.
        self.departed = 0
        self._ports: tuple[Port, ...] = self.udp_ports
        self._current: Port = port
        self._networks = networks or Networks()
        self._by_transport = Allowance(CHECKS_FOR_TRANSPORT)
        self._by_host = Allowance(CHECKS_FROM_HOST)
        self._by_peer = Allowance(CHECKS_FROM_PEER)
        self._by_fragment: dict[str, tuple[Resident, str]] = {}
        self._by_address: dict[bytes, Resident] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._logged_at = float("-inf")
        self._now = 0.0
        self._slot = 0

    def join(self, port: Port) -> None:
        """One more port that is flushed with the others."""
        self._ports = (*self._ports, port)

    @property
    def now(self) -> float:
        """When the socket was read last, in monotonic seconds."""
        return self._now

    @property
    def arrived(self) -> float:
        """When the datagram that is being served came to this machine, by its kernel; 0 when not known."""
        return self._current.arrived(self._slot)

    def admit(self, resident: Resident) -> None:
        """Answer checks with these credentials of the transport from now on, beside those it had."""
        credentials = resident.credentials
        self._by_fragment[credentials.fragment] = (resident, credentials.password)

    def retire(self, fragment: str) -> None:
        """Answer no more checks with these credentials."""
        self._by_fragment.pop(fragment, None)

    def dismiss(self, resident: Resident) -> None:
        """Forget the transport and its addresses."""
        self.departed += 1
        for fragment in [f for f, (r, _) in self._by_fragment.items() if r is resident]:
            del self._by_fragment[fragment]
        for key in [k for k, r in self._by_address.items() if r is resident]:
            self._unbind(key)
        if self.lane is not None:
            self.lane.forget(resident)

    def forget_address(self, key: bytes, resident: Resident) -> None:
        """Stop listening to one address of a transport."""
        if self._by_address.get(key) is resident:
            self._unbind(key)

    def lose(self, key: bytes) -> None:
        """What is behind this address has gone; its transport may have another."""
        resident = self._by_address.get(key)
        if resident is not None:
            self._unbind(key)
            resident.lose(key)

    def _bind(self, key: bytes, resident: Resident) -> None:
        if self._by_address.get(key) is not resident:
            self._by_address[key] = resident
            if self.lane is not None:
                self.lane.bind(key, resident)

    def _unbind(self, key: bytes) -> None:
        del self._by_address[key]
        if self.lane is not None:
            self.lane.unbind(key)

    def knows(self, key: bytes) -> bool:
        """Whether an ICE check from this address passed and its transport lives."""
        return key in self._by_address

    def allows(self, host: str) -> bool:
        """Whether a peer may come from there at all."""
        return self._networks.allow(host)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine owned by the gate; `close` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait for what is still closing, then close the sockets."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=0.3)
        for task in self._tasks:
            task.cancel()
        for port in self.udp_ports:
            port.close()

    def read(self, now: float, port: DatagramPort | None = None) -> None:
        """A socket is readable."""
        self._now = now
        self._current = port = port or self.port
        if self.lane is not None:
            self.lane.read(port, now, self)
        else:
            port.receive(self.receive)
        if len(self._ports) > 1:
            self.flush()

    def poll(self, now: float) -> float:
        """Serve what has arrived meanwhile, in the middle of something that takes long; gives the time.

        Only at points where a turn of the event loop might end as well: packets change everything, and
        what they noted is later than `now`.
        """
        if self.lane is None or (moment := time.monotonic()) - self._now < POLL_INTERVAL:
            return now
        now = max(now, moment)
        for port in self.udp_ports:
            self.read(now, port)
        return now

    def take(self, data: bytes, key: bytes, port: Port, now: float) -> None:
        """One datagram that came by another port, at most as long as a slot. Call `flush` afterwards."""
        self._now = now
        self._current = port
        self.port.incoming[: len(data)] = data
        self.receive(0, len(data), key)

    def flush(self) -> None:
        """Send what waits at all ports."""
        for port in self._ports:
            port.flush()

    def receive(self, slot: int, length: int, key: bytes) -> None:
        """One datagram from `key`. Any exception means: drop and count."""
        self._slot = slot
        try:
            self._sort(slot, length, key)
        except Exception:  # noqa: BLE001
            self._note_failure()

    def receive_decrypted(self, inlet: Inlet, slot: int, length: int) -> None:
        """One packet that the compiled path has decrypted. Any exception means: drop and count."""
        self._slot = slot
        try:
            inlet.receive_decrypted(slot, length, self._now)
        except Exception:  # noqa: BLE001
            self._note_failure()

    def _note_failure(self) -> None:
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
        found = self._by_fragment.get(request.local_fragment) if request is not None else None
        if request is None or found is None:
            self.counters["stun_dropped"] += 1
            return
        resident, password = found
        destination = self._current.destination(key)
        if not self._may_check(request, resident, destination):
            return
        if not request.is_authentic(password):
            self.counters["stun_forged"] += 1
            return
        self._bind(key, resident)
        response = build_binding_response(request, destination.name[:2], password)
        self._current.send(response, destination)
        resident.confirm(destination, request.nominated, self._now)

    def _may_check(self, request: BindingRequest, resident: Resident, destination: Destination) -> bool:
        """Whether the check is worth an HMAC."""
        host = destination.name[0]
        if self._by_address.get(destination.key) is resident:
            good = self._by_peer.take(destination.key, self._now)
        elif not self._networks.allow(host):
            self.counters["network_refused"] += 1
            return False
        else:
            named = self._by_transport.take(request.local_fragment, self._now)
            good = named and self._by_host.take(host, self._now)
        if not good:
            self.counters["stun_limited"] += 1
        return good
