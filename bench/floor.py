"""`python -m bench.floor PORT ADDRESS SOCKET [CORE]`: the barest forwarder there can be in our process model.

It is a real media worker until SIGUSR1, so that ICE, DTLS and SDP are our own; from then on nothing is left
but a loop that receives, unprotects once, and copies, patches, protects and sends for each receiver: floor.c,
or the same in Python when there is no compiler. It answers nobody any more and ends by SIGTERM.
"""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.native import Native, open_native
from media.aiortc_port import new_length, protect, unprotect
from media.config import MediaConfig
from media.datagrams import DatagramPort, Destination
from media.fastpath import STRIDE
from media.publisher import Publisher
from media.rtp import HEADER_LENGTH
from media.subscription import Subscription
from media.transport import Transport
from media.worker import Worker
from recordings.capture.recorder import JournalRecorderFactory

# Our end of a handshake may be over a moment after the peer's. Seconds.
PATIENCE = 0.02


@dataclass(frozen=True)
class Receiver:
    """Who gets a stream, and under what name."""

    transport: Transport
    ssrc: int
    payload_type: int


@dataclass(frozen=True)
class Sender:
    """Who sends, and who gets which of its streams (by SSRC)."""

    transport: Transport
    streams: dict[int, list[Receiver]]


def main(port: str, address: str, socket_path: str, core: str | None = None) -> None:
    """Run until SIGTERM."""
    if core is not None:
        os.sched_setaffinity(0, {int(core)})
    config = MediaConfig(port=int(port), addresses=(address,), socket_path=socket_path, log_level="warning")
    uvloop.run(_run(config))


async def _run(config: MediaConfig) -> None:
    worker = Worker(config, JournalRecorderFactory(), None)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    loop.add_signal_handler(signal.SIGUSR1, _hand_over, worker, mark_of(config.socket_path))
    await worker.run()


def mark_of(socket_path: str | Path) -> Path:
    """The file that appears when a floor has left its worker behind; nobody may play before."""
    return Path(f"{socket_path}.floor")


def _hand_over(worker: Worker, mark: Path) -> None:
    """Leave everything behind as soon as all are connected; nothing of the worker runs from then on."""
    if not all(transport.ready for transport in _transports(worker)):
        asyncio.get_running_loop().call_later(PATIENCE, _hand_over, worker, mark)
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    senders = list(senders_of(worker))
    port: DatagramPort = worker._gate.port
    native = open_native("floor")
    mark.touch()
    if native is None:
        run_in_python(port, senders)
    else:
        table = Table(native, senders)
        native.lib.floor_run(port.socket.fileno(), table.made)


def _transports(worker: Worker) -> Iterator[Transport]:
    for room in worker._commands.rooms.values():
        for participant in room.participants.values():
            for end in (participant.publisher, participant.subscriber):
                if end is not None:
                    yield end.transport


def senders_of(worker: Worker) -> Iterator[Sender]:
    """Everybody who publishes in any room, with their receivers."""
    for room in worker._commands.rooms.values():
        for participant in room.participants.values():
            if participant.publisher is not None:
                yield Sender(participant.publisher.transport, _streams(participant.publisher))


def _streams(publisher: Publisher) -> dict[int, list[Receiver]]:
    return {
        ssrc: [
            Receiver(sink._outlet, sink.ssrc, sink._payload_type)  # type: ignore[arg-type]
            for sink in publication.sinks
            if isinstance(sink, Subscription)
        ]
        for ssrc, publication in publisher._routes.items()
    }


class Table:
    """The senders as C structures; `made` and the SRTP contexts in it live as long as this object."""

    def __init__(self, native: Native, senders: list[Sender]) -> None:
        self._native = native
        self._kept: list[Any] = [senders]
        self._senders = native.ffi.new("struct sender[]", len(senders))
        for made, sender in zip(self._senders, senders, strict=True):
            made.inbound = native.pointer(_pair(sender.transport).inbound)
            made.name = _name(sender.transport)
            made.stream_count = len(sender.streams)
            for stream, (ssrc, receivers) in zip(made.streams, sender.streams.items(), strict=False):
                stream.ssrc, stream.receiver_count = ssrc, len(receivers)
                stream.receivers = self._receivers(receivers)
        self.made = native.ffi.new("struct table *")
        self.made.protect, self.made.unprotect = native.srtp("srtp_protect"), native.srtp("srtp_unprotect")
        self.made.senders, self.made.sender_count = self._senders, len(senders)

    def _receivers(self, receivers: list[Receiver]) -> Any:
        array = self._native.ffi.new("struct receiver[]", len(receivers))
        self._kept.append(array)
        for made, receiver in zip(array, receivers, strict=True):
            made.outbound = self._native.pointer(_pair(receiver.transport).outbound)
            made.name = _name(receiver.transport)
            made.ssrc, made.payload_type = receiver.ssrc, receiver.payload_type
        return array


def _pair(transport: Transport) -> Any:
    assert transport._pair is not None
    return transport._pair


def _name(transport: Transport) -> bytes:
    """struct sockaddr_in."""
    assert transport.destination is not None
    return transport.destination.key.ljust(16, b"\0")


def run_in_python(port: DatagramPort, senders: list[Sender]) -> None:
    """The loop of floor.c, on the batches of the worker's port."""
    loop = _PythonLoop(port, senders)
    poll = select.poll()
    poll.register(port.socket.fileno(), select.POLLIN)
    while True:
        poll.poll()
        port.receive(loop.forward)


class _PythonLoop:
    def __init__(self, port: DatagramPort, senders: list[Sender]) -> None:
        self._port = port
        self._length = new_length()
        self._by_key = {s.transport.destination.key: s for s in senders if s.transport.destination}

    def forward(self, slot: int, length: int, key: bytes) -> None:
        sender, size, offset = self._by_key.get(key), self._length, slot * STRIDE
        incoming = self._port.incoming
        if sender is None or length < HEADER_LENGTH or 191 < incoming[offset + 1] < 224:
            return
        size[0] = length
        if unprotect(_pair(sender.transport).inbound, self._port.incoming_pointers[slot], size):
            return
        ssrc = int.from_bytes(incoming[offset + 8 : offset + 12], "big")
        packet = incoming[offset : offset + size[0]]
        for receiver in sender.streams.get(ssrc, ()):
            destination = receiver.transport.destination
            if destination is not None:
                self._copy(receiver, packet, destination)

    def _copy(self, receiver: Receiver, packet: memoryview, destination: Destination) -> None:
        port, size = self._port, self._length
        slot = port.slot()
        offset = slot * STRIDE
        port.outgoing[offset : offset + len(packet)] = packet
        port.outgoing[offset + 1] = packet[1] & 0x80 | receiver.payload_type
        port.outgoing[offset + 8 : offset + 12] = receiver.ssrc.to_bytes(4, "big")
        size[0] = len(packet)
        if not protect(_pair(receiver.transport).outbound, port.outgoing_pointers[slot], size):
            port.commit(size[0], destination)


if __name__ == "__main__":
    main(*sys.argv[1:])
