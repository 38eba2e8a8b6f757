"""ICE over TCP from below: framing, what is dropped when a peer is slow, and who is shown the door."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from media.backlog import CEILING, VIDEO_CEILING, Backlog
from media.datagrams import open_port
from media.fastpath import LARGEST
from media.framing import Deframer, FramingError, frame
from media.gate import Gate
from media.networks import Networks
from media.tcp import GRACE, LINES_FROM_HOST, STALLED, TcpPort, open_listeners
from tests.media.loopback import Loopback, Owner, binding_request

ROUNDS = 20_000


def rtp(ssrc: int, timestamp: int, payload_type: int = 96, size: int = 1000) -> bytes:
    head = bytes((0x80, payload_type)) + bytes(2) + timestamp.to_bytes(4, "big") + ssrc.to_bytes(4, "big")
    return head + bytes(size)


def waiting(backlog: Backlog) -> list[bytes]:
    deframer, found = Deframer(), []
    while backlog.size:
        head = backlog.head()
        found += deframer.feed(b"".join(head))
        backlog.taken(sum(len(part) for part in head))
    return found


def test_what_was_framed_comes_out_however_it_is_cut() -> None:
    random = Random(4571)
    for _ in range(300):
        sent = [random.randbytes(random.choice((0, 1, 20, 1200, LARGEST))) for _ in range(8)]
        stream = b"".join(frame(data) for data in sent)
        deframer, found = Deframer(), []
        while stream:
            cut = random.randint(1, 3000)
            found += deframer.feed(stream[:cut])
            stream = stream[cut:]
        assert found == sent and not deframer.waiting


def test_hostile_streams_raise_nothing_else_and_hold_little() -> None:
    random = Random(20_000)
    refused = 0
    deframer = Deframer()
    for _ in range(ROUNDS):
        data = random.randbytes(random.randint(0, 200))
        if random.random() < 0.8:
            data = random.randint(0, 2 * LARGEST).to_bytes(2, "big") + data
        try:
            assert all(len(found) <= LARGEST for found in deframer.feed(data))
        except FramingError:
            refused += 1
            deframer = Deframer()
        assert len(deframer._rest) < 2 + LARGEST
    assert 0 < refused < ROUNDS


def test_a_slow_peer_loses_video_to_the_end_of_the_frame_and_no_sound() -> None:
    backlog = Backlog()
    stamp = 0
    while backlog.size <= VIDEO_CEILING:
        assert backlog.put(rtp(1, stamp := stamp + 1))
    assert not backlog.put(rtp(1, 7000)), "too much waits"
    assert backlog.put(rtp(2, 1, payload_type=111, size=100)), "sound waits"
    assert backlog.put(b"\x80\xc8" + bytes(26)), "a report waits"
    assert backlog.put(b"\x16" + bytes(60)), "DTLS waits"
    taken = waiting(backlog)
    assert not backlog.put(rtp(1, 7000)), "the rest of a frame that has a hole"
    assert backlog.put(rtp(3, 7000)), "another stream"
    assert backlog.put(rtp(1, 7001)), "the next frame"
    assert backlog.dropped == 2 and len(taken) > 60


def test_a_peer_that_takes_nothing_costs_a_bounded_amount() -> None:
    backlog = Backlog()
    for number in range(5000):
        backlog.put(rtp(1, number))
        backlog.put(rtp(2, number, payload_type=111, size=200))
    assert backlog.size <= CEILING + 2 * LARGEST
    assert all(data[1] == 111 for data in waiting(backlog)[VIDEO_CEILING // 1000 * 2 :])


class Quay:
    """A gate with a TcpPort in this process. `elapsed` is added to the clock."""

    def __init__(self, networks: tuple[str, ...] = ()) -> None:
        self.loopback = Loopback()
        port, listeners = 0, []
        while not listeners:  # The number of a free UDP port may be somebody else's for TCP.
            self.loopback.port.close()
            self.loopback.port = open_port("127.0.0.1", 0)
            port = self.loopback.port.socket.getsockname()[1]
            listeners = open_listeners(["127.0.0.1"], port)
        self.loopback.gate = self.gate = Gate(self.loopback.port, networks=Networks(networks))
        self.address = ("127.0.0.1", port)
        self.tcp = TcpPort(self.gate, listeners, asyncio.get_running_loop())
        self.gate.join(self.tcp)
        self.tcp.open()
        self.sockets: list[socket.socket] = []

    async def connect(self) -> socket.socket:
        stream = socket.create_connection(self.address, 2)
        stream.setblocking(False)
        self.sockets.append(stream)
        await asyncio.sleep(0.02)
        return stream

    def tick(self, after: float) -> None:
        self.tcp.tick(asyncio.get_running_loop().time() + after)

    def close(self) -> None:
        for stream in self.sockets:
            stream.close()
        self.tcp.close()
        self.loopback.close()


@pytest_asyncio.fixture
async def quay() -> AsyncIterator[Quay]:
    made = Quay()
    yield made
    made.close()


async def is_closed(stream: socket.socket) -> bool:
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(stream, 10), 1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


async def answer(stream: socket.socket) -> bytes:
    data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(stream, 4096), 1)
    [found] = Deframer().feed(data)
    return found


async def test_a_check_is_answered_and_the_transport_goes_by_tcp(quay: Quay) -> None:
    transport = quay.loopback.transport(Owner())
    stream = await quay.connect()
    for byte in frame(binding_request(transport)):
        stream.send(bytes((byte,)))
    assert (await answer(stream))[:2] == b"\x01\x01"
    assert transport.path == "tcp"
    # The connection goes, and with it the way; a new one is taken.
    stream.close()
    await asyncio.sleep(0.05)
    assert transport.destination is None and quay.tcp.lines == 0
    again = await quay.connect()
    again.send(frame(binding_request(transport)))
    assert (await answer(again))[:2] == b"\x01\x01"
    assert transport.path == "tcp"


async def test_whoever_passes_no_check_is_shown_the_door(quay: Quay) -> None:
    stream = await quay.connect()
    stream.send(frame(b"\x16\xfe\xff" + bytes(60)) + frame(b"") + frame(os.urandom(200)))
    await asyncio.sleep(0.05)
    quay.tick(GRACE - 1)
    assert quay.tcp.lines == 1
    quay.tick(GRACE + 1)
    assert await is_closed(stream) and quay.tcp.lines == 0
    assert quay.gate.counters["tcp_idle"] == 1


async def test_a_frame_that_never_ends(quay: Quay) -> None:
    transport = quay.loopback.transport(Owner())
    stream = await quay.connect()
    stream.send(frame(binding_request(transport)))
    await answer(stream)
    stream.send(b"\x04\x00only this")
    await asyncio.sleep(0.05)
    quay.tick(STALLED - 1)
    assert quay.tcp.lines == 1
    quay.tick(STALLED + 1)
    assert await is_closed(stream)


async def test_a_frame_that_is_too_large(quay: Quay) -> None:
    stream = await quay.connect()
    stream.send((LARGEST + 1).to_bytes(2, "big"))
    assert await is_closed(stream)
    assert quay.gate.counters["tcp_malformed"] == 1


async def test_an_ended_transport_takes_its_connection_along(quay: Quay) -> None:
    transport = quay.loopback.transport(Owner())
    stream = await quay.connect()
    stream.send(frame(binding_request(transport)))
    await answer(stream)
    transport.close("replaced")
    quay.tick(GRACE + 1)
    assert await is_closed(stream)


async def test_a_reader_that_does_not_read_costs_a_bounded_amount_and_finds_whole_frames(quay: Quay) -> None:
    transport = quay.loopback.transport(Owner())
    stream = await quay.connect()
    stream.send(frame(binding_request(transport)))
    await answer(stream)
    destination = transport.destination
    assert destination is not None
    for number in range(6000):
        quay.tcp.send(rtp(1, number // 4), destination)
        if number % 32 == 0:
            quay.tcp.flush()
    quay.tcp.flush()
    line = next(iter(quay.tcp._lines.values()))
    assert line.is_writing and line.backlog.size <= CEILING + 2 * LARGEST
    assert line.backlog.dropped == quay.gate.counters["tcp_dropped"] > 0
    deframer, found = Deframer(), []
    while line.backlog.size or not found:
        await asyncio.sleep(0.01)
        with contextlib.suppress(BlockingIOError):
            while True:
                found += deframer.feed(stream.recv(65536))
    assert not line.is_writing
    assert {len(data) for data in found} == {1012}
    # A peer that never takes anything is given up.
    for number in range(3000):
        quay.tcp.send(rtp(2, number), destination)
        quay.tcp.flush()
    quay.tick(STALLED + 1)
    assert quay.tcp.lines == 0


async def test_one_host_gets_so_many_connections(quay: Quay) -> None:
    for _ in range(LINES_FROM_HOST + 3):
        await quay.connect()
    assert quay.tcp.lines == LINES_FROM_HOST
    assert quay.gate.counters["tcp_refused"] == 3


async def test_foreign_networks_are_refused() -> None:
    quay = Quay(networks=("192.0.2.0/24", "2001:db8::/32"))
    try:
        assert await is_closed(await quay.connect())
        transport = quay.loopback.transport(Owner())
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        quay.sockets.append(peer)
        peer.connect(quay.address)
        peer.send(binding_request(transport))
        quay.loopback.read(1)
        assert transport.destination is None
        assert quay.gate.counters["network_refused"] == 1
        assert quay.gate.counters["tcp_refused"] == 1
    finally:
        quay.close()


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/8", "office"])
def test_malformed_networks(wrong: str) -> None:
    with pytest.raises(ValueError):
        Networks((wrong,))
