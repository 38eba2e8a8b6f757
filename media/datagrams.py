"""One UDP socket, read and written in batches through buffers that are allocated once.

On Linux `recvmmsg` and `sendmmsg` are called through cffi in ABI mode (no compiler is needed to
install); elsewhere `recvfrom_into` and `sendto` fill and drain the same buffers.

Policy when the socket's send buffer is full: the datagrams that do not fit are dropped and counted,
as any router on the way would do; nothing is queued in this process beyond one batch.
"""

import errno
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from media.batch import BATCHING, Batch, libc
from media.fastpath import BATCH, LARGEST, NAME_LENGTH, STRIDE, ffi, new

# Datagrams longer than LARGEST are dropped; STRIDE leaves room for the trailer that SRTP appends.
SOCKET_BUFFER = 4 * 1024 * 1024
# Of Linux (socket(7)); Python's socket module does not name it. The message has the option's number.
SO_TIMESTAMPNS = 35
# Batches read in one turn of the event loop before others get theirs.
ROUNDS = 4


class Destination:
    """A peer's address and the port of ours it came by: `key` as raw bytes of its sockaddr, `pointer` for
    sendmmsg, `name` for sendto."""

    __slots__ = ("key", "name", "pointer", "port")

    def __init__(self, key: bytes, name: tuple[Any, ...], port: "Port") -> None:
        self.key = key
        self.name = name
        self.port = port
        self.pointer = ffi.new("char[]", key + bytes(NAME_LENGTH - len(key)))


class Port(Protocol):
    """Where datagrams leave; see DatagramPort, which is one, and media/tcp.py for the other."""

    path: str
    outgoing: memoryview
    outgoing_pointers: list[Any]

    @property
    def pending(self) -> int:
        """How many datagrams wait."""

    def slot(self) -> int:
        """The place for the next outgoing datagram."""

    def commit(self, length: int, destination: Destination) -> None:
        """The datagram at `slot()` is complete."""

    def send(self, data: bytes, destination: Destination) -> None:
        """Put one ready datagram into the batch."""

    def flush(self) -> None:
        """Send the batch."""

    def destination(self, key: bytes) -> Destination:
        """The way back to whoever has this address key."""

    def arrived(self, slot: int) -> float:
        """When the datagram in an incoming slot came to this machine, 0 when that is not known."""


def name_of(key: bytes) -> tuple[Any, ...]:
    """Read an address key, the part of struct sockaddr_in or sockaddr_in6 that matters."""
    family = int.from_bytes(key[:2], sys.byteorder)
    port = int.from_bytes(key[2:4], "big")
    if family == socket.AF_INET:
        return (socket.inet_ntop(socket.AF_INET, key[4:8]), port)
    flow, scope = int.from_bytes(key[4:8], "big"), int.from_bytes(key[24:28], sys.byteorder)
    return (socket.inet_ntop(socket.AF_INET6, key[8:24]), port, flow, scope)


def key_of(family: int, name: tuple[Any, ...]) -> bytes:
    """The address key of what recvfrom returned."""
    head = int(family).to_bytes(2, sys.byteorder) + int(name[1]).to_bytes(2, "big")
    if family == socket.AF_INET:
        return head + socket.inet_pton(socket.AF_INET, name[0])
    flow, scope = int(name[2]).to_bytes(4, "big"), int(name[3]).to_bytes(4, sys.byteorder)
    return head + flow + socket.inet_pton(socket.AF_INET6, name[0].split("%")[0]) + scope


# Takes the slot, the length and the address key of one received datagram.
Receiver = Callable[[int, int, bytes], None]


class Slots:
    """Room for a batch of datagrams: `view` for Python, `pointers` for C, one for each slot."""

    def __init__(self, count: int = BATCH) -> None:
        self.memory = ffi.new("char[]", count * STRIDE)
        self.view = memoryview(ffi.buffer(self.memory))
        self.pointers = [self.memory + i * STRIDE for i in range(count)]


class DatagramPort:
    """The socket and its buffers.

    A sender writes into `outgoing` at `slot * STRIDE`, then calls `commit`; `flush` sends the batch.
    A receiver finds a datagram in `incoming` at `slot * STRIDE` and may change it there. All ports of a
    worker read into the same `incoming`, one after the other. `number` tells them apart: behind address
    translation one remote address may stand for different people at different ports of ours, so the keys
    of all ports but the first carry it. `state` is the struct port that the compiled path works on.
    """

    path = "udp"

    def __init__(
        self, udp: socket.socket, batched: bool, incoming: Slots | None = None, number: int = 0
    ) -> None:
        self.socket = udp
        self.family = udp.family
        is_ipv4 = udp.family == socket.AF_INET
        self.number = number
        self.state: Any = new("port")
        self.state.fd = udp.fileno()
        self.slots = incoming or Slots()
        outgoing = self._outgoing = Slots()
        self.incoming, self.incoming_pointers = self.slots.view, self.slots.pointers
        self.outgoing, self.outgoing_pointers = outgoing.view, outgoing.pointers
        self._lengths = [0] * BATCH
        self._destinations: list[Destination | None] = [None] * BATCH
        name_length = 16 if is_ipv4 else 28
        # Behind sin_zero, which the kernel clears, or behind sin6_scope_id.
        self._tag = bytes((*bytes(8 if is_ipv4 else 0), number)) if number else b""
        self.key_length = (8 if is_ipv4 else 28) + len(self._tag)
        memories = (self.slots.memory, outgoing.memory)
        self._batch = Batch(*memories, name_length, number) if batched and BATCHING else None
        if self._batch is not None:
            self._batch.fill(self.state, *memories)
            self.state.key_length = self.key_length

    @property
    def batched(self) -> bool:
        """Whether recvmmsg and sendmmsg are in use."""
        return self._batch is not None

    @property
    def pending(self) -> int:
        """How many wait in the batch."""
        return int(self.state.pending)

    @property
    def sent(self) -> int:
        """Datagrams that the kernel took."""
        return int(self.state.sent)

    @property
    def received(self) -> int:
        """Datagrams that came."""
        return int(self.state.received)

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel did not take."""
        return int(self.state.dropped)

    @property
    def oversized(self) -> int:
        """Datagrams longer than LARGEST, either way."""
        return int(self.state.oversized)

    def slot(self) -> int:
        """The place for the next outgoing datagram."""
        if self.pending == BATCH:
            self.flush()
        return self.pending

    def commit(self, length: int, destination: Destination) -> None:
        """The datagram at `slot()` is complete."""
        slot = self.state.pending
        if self._batch is not None:
            self._batch.out_vectors[slot].iov_len = length
            self._batch.out_headers[slot].msg_name = destination.pointer
        else:
            self._lengths[slot] = length
        # Keeps the sockaddr alive until the batch is sent.
        self._destinations[slot] = destination
        self.state.pending = slot + 1

    def send(self, data: bytes, destination: Destination) -> None:
        """Put one ready datagram into the batch; too large a one is dropped and counted."""
        if len(data) > LARGEST:
            self.state.oversized += 1
            return
        offset = self.slot() * STRIDE
        self.outgoing[offset : offset + len(data)] = data
        self.commit(len(data), destination)

    def flush(self) -> None:
        """Send the batch."""
        count, self.state.pending = self.state.pending, 0
        if not count:
            return
        sent = self._send_batch(count) if self._batch is not None else self._send_each(count)
        self.state.sent += sent
        self.state.dropped += count - sent

    def _send_batch(self, count: int) -> int:
        assert self._batch is not None
        done = failed = 0
        while done < count:
            result = libc.sendmmsg(self.socket.fileno(), self._batch.out_messages + done, count - done, 0)
            if result > 0:
                done += result
            elif ffi.errno == errno.EINTR:
                continue
            elif ffi.errno in (errno.EAGAIN, errno.ENOBUFS):
                failed += count - done
                break
            else:
                # One destination is unreachable; the others must not suffer for it.
                done += 1
                failed += 1
        return count - failed

    def _send_each(self, count: int) -> int:
        sent = 0
        for slot in range(count):
            destination = self._destinations[slot]
            assert destination is not None
            offset = slot * STRIDE
            try:
                self.socket.sendto(self.outgoing[offset : offset + self._lengths[slot]], destination.name)
                sent += 1
            except OSError:
                continue
        return sent

    def receive(self, receiver: Receiver) -> None:
        """Hand over what has arrived, at most ROUNDS batches. Answers are flushed after each batch."""
        read = self._receive_batch if self._batch is not None else self._receive_each
        for _ in range(ROUNDS):
            count = read(receiver)
            self.flush()
            if count < BATCH:
                return

    def _receive_batch(self, receiver: Receiver) -> int:
        batch = self._batch
        assert batch is not None
        count: int = libc.recvmmsg(
            self.socket.fileno(), batch.in_messages, BATCH, socket.MSG_DONTWAIT, ffi.NULL
        )
        if count <= 0:
            return 0
        self.state.received += count
        width = self.key_length
        for slot in range(count):
            length = batch.in_list[slot].msg_len
            if length > LARGEST:
                self.state.oversized += 1
                continue
            name = slot * NAME_LENGTH
            receiver(slot, length, batch.names[name : name + width])
        return count

    def key(self, slot: int) -> bytes:
        """Where the datagram in an incoming slot came from; only with recvmmsg."""
        assert self._batch is not None
        name = slot * NAME_LENGTH
        return bytes(self._batch.names[name : name + self.key_length])

    def time_arrivals(self) -> None:
        """Let the kernel tell when datagrams came; only the compiled path reads it."""
        if self._batch is None:
            return
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        except OSError:
            return
        self.state.in_controls = self._batch.take_controls()

    def arrived(self, slot: int) -> float:
        """When the datagram in an incoming slot came to this machine, 0 when that is not known."""
        return float(self.state.arrived[slot])

    def _receive_each(self, receiver: Receiver) -> int:
        for slot in range(BATCH):
            view = self.incoming[slot * STRIDE : slot * STRIDE + LARGEST + 1]
            try:
                length, name = self.socket.recvfrom_into(view)
            except OSError:
                return slot
            self.state.received += 1
            if length > LARGEST:
                self.state.oversized += 1
                continue
            receiver(slot, length, key_of(self.family, name) + self._tag)
        return BATCH

    def destination(self, key: bytes) -> Destination:
        """The way back to the sender of a datagram."""
        return Destination(key, name_of(key), self)

    def close(self) -> None:
        """Close the socket. What is in the batch is sent first."""
        self.flush()
        self.socket.close()


def open_port(
    address: str,
    port: int,
    batched: bool = True,
    incoming: Slots | None = None,
    number: int = 0,
    shared: bool = False,
) -> DatagramPort:
    """Bind a UDP socket; port 0 takes any free one. An address with a colon opens an IPv6 socket.

    `shared` lets a wildcard stand beside sockets bound to single addresses; the more precise one gets the
    datagram. Raises OSError when the port is taken or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        udp.bind((address, port))
    except OSError:
        udp.close()
        raise
    return DatagramPort(udp, batched, incoming, number)


def open_ports(addresses: Sequence[str], port: int, batched: bool = True) -> list[DatagramPort]:
    """Bind one socket for each address, all with the same port number and the same incoming slots.

    Raises OSError when one of them cannot be had; then none stays open.
    """
    shared = len(addresses) > 1 and any(address in ("0.0.0.0", "::") for address in addresses)
    if shared and port:
        # SO_REUSEADDR would let two workers bind the same port in silence.
        open_port(addresses[-1], port).close()
    ports: list[DatagramPort] = []
    try:
        for number, address in enumerate(addresses):
            slots = ports[0].slots if ports else None
            ports.append(open_port(address, port, batched, slots, number, shared))
            port = port or ports[0].socket.getsockname()[1]
    except OSError:
        for opened in ports:
            opened.close()
        raise
    return ports
