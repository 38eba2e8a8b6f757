"""The compiled generator sends what the Python one sends, on time, and counts what arrives."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.arrivals import open_socket
from bench.engine import Engine
from bench.native import missing_compiler, open_native
from bench.traffic import STAMP, PreparedAudio, PreparedVideo, WideNumbers, receiver_report
from media.rtp import parse_packet
from tests.bench.secured import BareWire, bare_peer, inbound, outbound

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(missing_compiler() is not None, reason=f"no generator: {missing_compiler()}"),
]

FAR = 1 << 62


class Bench:
    """One engine with one peer whose two wires end in two sockets of the test's."""

    def __init__(self, wide: WideNumbers | None = None) -> None:
        # The far end of the publish wire, and of the subscribe wire.
        self.server = open_socket("127.0.0.1")
        self.sender = open_socket("127.0.0.1")
        publish, subscribe = open_socket("127.0.0.1"), open_socket("127.0.0.1")
        publish.connect(self.server.getsockname())
        subscribe.connect(self.sender.getsockname())
        self.sender.connect(subscribe.getsockname())
        self.server.connect(publish.getsockname())
        self.audio, self.video = PreparedAudio(1, 71, "0", wide=wide), PreparedVideo(2, 72, "1", wide=wide)
        self.publish, self.subscribe = BareWire(publish), BareWire(subscribe)
        self.peer = bare_peer(self.publish, self.subscribe, self.audio, self.video)
        native = open_native("generator")
        assert native is not None
        self.engine = Engine(native, None, capacity=1000)

    def start(self) -> None:
        """Both tracks are due now."""
        self.audio.due = self.video.due = time.monotonic()
        self.engine.add(self.peer, phase=0.0)
        self.engine.start()

    def close(self) -> None:
        self.engine.stop()
        for each in (self.server, self.sender, self.publish.socket, self.subscribe.socket):
            each.close()

    def received(self, session: Any) -> list[bytes]:
        """What the server's socket got so far, decrypted."""
        return [session.unprotect(data) for data in datagrams(self.server)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def datagrams(opened: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(opened.recv(4096))
        except BlockingIOError:
            return found


def without_time(packet: bytes) -> bytes:
    return packet[:-8]


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)


def by_ssrc(packets: list[bytes], ssrc: int) -> list[bytes]:
    return [packet for packet in packets if parse_packet(packet).ssrc == ssrc]


@pytest.mark.parametrize("wide", [False, True])
def test_both_generators_send_the_same(wide: bool) -> None:
    bench = Bench(WideNumbers() if wide else None)
    try:
        bench.start()
        time.sleep(0.5)
        packets = bench.received(inbound())
    finally:
        bench.close()
    for ssrc, expected in ((71, PreparedAudio(1, 71, "0")), (72, PreparedVideo(2, 72, "1"))):
        found = by_ssrc(packets, ssrc)
        assert len(found) > 20
        if wide:
            continue
        for packet in found:
            assert without_time(packet) == without_time(bytes(expected.next(0)))
    if wide:
        numbers = [int.from_bytes(packet[17:19], "big") for packet in packets]
        assert numbers == list(range(len(packets)))
        assert {packet[16] for packet in packets} == {0x51}


def test_packets_leave_when_they_are_due(bench: Bench) -> None:
    bench.engine.set_window(0, FAR)
    began = time.monotonic()
    bench.start()
    time.sleep(1.0)
    bench.engine.stop()
    elapsed = time.monotonic() - began
    packets = bench.received(inbound())
    # Never before they are due; how long after, is a matter of the machine.
    for ssrc, rate in ((71, 50), (72, 115)):
        assert 0.5 * rate < len(by_ssrc(packets, ssrc)) <= rate * elapsed + 5
    assert bench.engine.tally().sent == len(packets)
    stamps = [STAMP.unpack(packet[-STAMP.size :])[2] for packet in packets]
    assert stamps == sorted(stamps)


def test_a_key_frame_comes_when_asked_for(bench: Bench) -> None:
    bench.start()
    wait_for(lambda: len(datagrams(bench.server)) > 0)
    bench.subscribe.on_rtcp = lambda *_: setattr(bench.video, "key_frame_wanted", True)  # type: ignore[method-assign]
    report = outbound().protect_rtcp(receiver_report(5, []))
    bench.sender.send(report)
    wait_for(lambda: "reports" in bench.peer.done and bench.video.key_frames == 2)


def test_what_arrives_is_counted_once(bench: Bench) -> None:
    bench.engine.set_window(0, FAR)
    bench.start()
    session, track = outbound(), PreparedAudio(9, 99, "0")
    protected = [session.protect(bytes(track.next(time.time_ns()))) for _ in range(20)]
    forged = bytearray(protected[7])
    forged[40] ^= 1
    for data in (*protected, protected[3], protected[19], bytes(forged)):
        bench.sender.send(data)
    wait_for(lambda: bench.engine.tally().refused + bench.engine.tally().duplicates >= 3)
    tally = bench.engine.tally()
    assert (tally.delivered, len(tally.latencies)) == (20, 20)
    # A forged copy of a known number is refused as a replay before it is looked at.
    assert tally.duplicates + tally.refused == 3
    assert all(0 <= latency < 5e9 for latency in tally.latencies)
    wait_for(lambda: 99 in bench.peer.heard)
    assert bench.peer.heard[99] == (1019, len(track.packet))


def test_what_was_sent_outside_the_window_is_not_counted(bench: Bench) -> None:
    now = time.time_ns()
    bench.engine.set_window(now, now + 1000)
    bench.start()
    session, track = outbound(), PreparedAudio(9, 99, "0")
    for stamp in (now - 1, now, now + 999, now + 1000):
        bench.sender.send(session.protect(bytes(track.next(stamp))))
    wait_for(lambda: 99 in bench.peer.heard and bench.peer.heard[99][0] == 1003)
    assert bench.engine.tally().delivered == 2


def test_everything_else_goes_to_python(bench: Bench) -> None:
    bench.start()
    report = receiver_report(5, [(6, 7)])
    for data in (outbound().protect_rtcp(report), b"\x01\x01stun", b"\x16dtls", b""):
        bench.sender.send(data)
    wait_for(lambda: len(bench.subscribe.plain) == 3 and len(bench.subscribe.rtcp) == 1)
    assert bench.subscribe.plain == [b"\x01\x01stun", b"\x16dtls", b""]
    assert bench.subscribe.rtcp == [report]


def test_what_goes_wrong_in_the_thread_is_told(bench: Bench) -> None:
    def fail(_data: bytes) -> None:
        raise OSError("on purpose")

    bench.subscribe.receive_plain = fail  # type: ignore[method-assign]
    bench.start()
    bench.sender.send(b"\x01")
    with pytest.raises(OSError, match="on purpose"):
        wait_for(lambda: bench.engine.tally() and False)
    with pytest.raises(OSError, match="on purpose"):
        bench.engine.stop()
    bench.engine._error = None
