"""Passive ICE-TCP (RFC 6544) on the number of the UDP port, for networks that let no UDP through.

To the gate a connection looks like one more address: the same source filter, the same checks. Everything
is synchronous and non-blocking, as on the UDP path.

Limits: LINES connections, LINES_FROM_HOST of one host; one whose address has not passed an ICE check
within GRACE seconds, or lost its transport that long ago, is closed, and so is one that leaves a frame
unfinished, or takes nothing of what waits for it, for STALLED seconds.
"""

import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Protocol

from media.backlog import Backlog
from media.datagrams import Destination, Slots
from media.framing import Deframer, FramingError
from media.gate import Gate

logger = logging.getLogger(__name__)

LINES = 512
LINES_FROM_HOST = 128
GRACE = 5.0
STALLED = 10.0
CHUNK = 64 * 1024
# Small, so that what waits does so in the backlog, where the policy is.
SEND_BUFFER = 64 * 1024
QUEUE = 64


class Loop(Protocol):
    """What is used of an event loop."""

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> None: ...
    def remove_reader(self, fd: int) -> bool: ...
    def add_writer(self, fd: int, callback: Callable[..., object], *args: Any) -> None: ...
    def remove_writer(self, fd: int) -> bool: ...
    def time(self) -> float: ...


class Line:
    """One connection. `owned_at` is when an ICE check or its transport last vouched for it."""

    def __init__(self, stream: socket.socket, name: tuple[Any, ...], key: bytes, now: float) -> None:
        self.stream = stream
        self.name = name
        self.key = key
        self.deframer = Deframer()
        self.backlog = Backlog()
        self.is_writing = False
        self.owned_at = self.unfinished_at = self.moved_at = now


class TcpPort:
    """The listening sockets and their connections; a way out for transports, like DatagramPort.

    Given: gate, loop. Owned: listeners and connections, ended by `close`.
    """

    path = "tcp"

    def __init__(self, gate: Gate, listeners: Sequence[socket.socket], loop: Loop) -> None:
        self.pending = 0
        slots = self._slots = Slots(1)
        self.outgoing, self.outgoing_pointers = slots.view, slots.pointers
        self._gate = gate
        self._loop = loop
        self._listeners = listeners
        self._lines: dict[bytes, Line] = {}
        self._hosts: Counter[str] = Counter()
        self._numbers = count(1)
        self._dirty: dict[bytes, Line] = {}

    @property
    def lines(self) -> int:
        """How many connections are open."""
        return len(self._lines)

    def open(self) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Stop accepting and end all connections."""
        for listener in self._listeners:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        for line in list(self._lines.values()):
            self._write(line)
            self._end(line, "closed")

    # A way out, as DatagramPort is

    def slot(self) -> int:
        """There is one place; what is committed moves on to its connection at once."""
        return 0

    def commit(self, length: int, destination: Destination) -> None:
        """The datagram at slot 0 is complete."""
        self._put(self.outgoing[:length], destination)

    def send(self, data: bytes, destination: Destination) -> None:
        """Put one ready datagram into the backlog of its connection."""
        self._put(data, destination)

    def flush(self) -> None:
        """Write what the kernel takes; the rest waits for room."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        for line in dirty.values():
            self._write(line)

    def destination(self, key: bytes) -> Destination:
        """The way back by the connection of this key."""
        return Destination(key, self._lines[key].name, self)

    def arrived(self, slot: int) -> float:
        """Not known: a stream of bytes has no times."""
        return 0.0

    def _put(self, data: bytes | memoryview, destination: Destination) -> None:
        line = self._lines.get(destination.key)
        if line is None or not line.backlog.put(data):
            self._gate.counters["tcp_dropped"] += 1
            return
        if not line.is_writing:
            self._dirty[line.key] = line

    # Connections

    def _accept(self, listener: socket.socket) -> None:
        try:
            stream, name = listener.accept()
        except OSError:
            return
        host = name[0]
        if len(self._lines) >= LINES or self._hosts[host] >= LINES_FROM_HOST or not self._gate.allows(host):
            self._gate.counters["tcp_refused"] += 1
            stream.close()
            return
        stream.setblocking(False)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        key = b"tcp" + next(self._numbers).to_bytes(8, "big")
        line = self._lines[key] = Line(stream, name, key, self._loop.time())
        self._hosts[host] += 1
        self._gate.counters["tcp_accepted"] += 1
        self._loop.add_reader(stream.fileno(), self._read, line)

    def _read(self, line: Line) -> None:
        try:
            data = line.stream.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(line, "hung_up")
            return
        now = self._loop.time()
        try:
            datagrams = line.deframer.feed(data)
        except FramingError:
            self._end(line, "malformed")
            return
        if datagrams or not line.deframer.waiting:
            line.unfinished_at = now
        for datagram in datagrams:
            self._gate.take(datagram, line.key, self, now)
        self._gate.flush()

    def _write(self, line: Line) -> None:
        while line.backlog.size:
            try:
                sent = line.stream.sendmsg(line.backlog.head())
            except BlockingIOError:
                break
            except OSError:
                self._end(line, "hung_up")
                return
            line.backlog.taken(sent)
            line.moved_at = self._loop.time()
        self._watch(line)

    def _watch(self, line: Line) -> None:
        """Ask for a call when there is room, exactly while something waits."""
        waits = bool(line.backlog.size)
        if waits and not line.is_writing:
            line.moved_at = self._loop.time()
            self._loop.add_writer(line.stream.fileno(), self._write, line)
        elif line.is_writing and not waits:
            self._loop.remove_writer(line.stream.fileno())
        line.is_writing = waits

    def tick(self, now: float) -> None:
        """End connections that nobody vouches for, or that do not move."""
        for line in list(self._lines.values()):
            if self._gate.knows(line.key):
                line.owned_at = now
            if not line.deframer.waiting:
                line.unfinished_at = now
            stalled = line.is_writing and now - line.moved_at > STALLED
            if now - line.owned_at > GRACE or now - line.unfinished_at > STALLED or stalled:
                self._end(line, "idle")

    def _end(self, line: Line, cause: str) -> None:
        if self._lines.pop(line.key, None) is None:
            return
        self._dirty.pop(line.key, None)
        host = line.name[0]
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        self._gate.counters[f"tcp_{cause}"] += 1
        self._loop.remove_reader(line.stream.fileno())
        if line.is_writing:
            self._loop.remove_writer(line.stream.fileno())
        line.stream.close()
        self._gate.lose(line.key)


def open_listeners(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Listen on each address. One wildcard is enough for its family: TCP answers from where it was asked.

    Returns nothing when one of them cannot be had; then people are reached by UDP only.
    """
    listeners: list[socket.socket] = []
    try:
        for address in _least(addresses):
            listeners.append(_listen(address, port))
    except OSError as exc:
        logger.warning("No TCP on port %s, people are reached by UDP only: %s", port, exc)
        for listener in listeners:
            listener.close()
        return []
    return listeners


def _least(addresses: Sequence[str]) -> list[str]:
    wide = {":" in address for address in addresses if address in ("0.0.0.0", "::")}
    return [a for a in addresses if a in ("0.0.0.0", "::") or (":" in a) not in wide]


def _listen(address: str, port: int) -> socket.socket:
    is_ipv6 = ":" in address
    listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    with contextlib.ExitStack() as undo:
        undo.callback(listener.close)
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_ipv6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(QUEUE)
        undo.pop_all()
    return listener
