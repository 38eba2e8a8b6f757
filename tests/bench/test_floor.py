"""The floor forwards every packet of a known sender to every receiver, under the receiver's names."""

import os
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from bench.floor import Receiver, Sender, Table, run_in_python
from bench.native import missing_compiler, open_native
from bench.traffic import PreparedAudio, receiver_report
from media.datagrams import DatagramPort, key_of, open_port
from media.rtp import parse_packet
from tests.bench.secured import inbound, outbound, udp


def transport(opened: socket.socket, port: DatagramPort) -> Any:
    """What the floor asks of a connected Transport, whose peer is at that socket."""
    coming, going = inbound(), outbound()
    pair = SimpleNamespace(inbound=coming._srtp[0], outbound=going._srtp[0], kept=(coming, going))
    key = key_of(socket.AF_INET, opened.getsockname())
    return SimpleNamespace(_pair=pair, destination=port.destination(key), ready=True)


def run_floor(compiled: bool, port: DatagramPort, senders: list[Sender]) -> None:
    """In a thread that never ends and keeps its socket: a floor has no way out."""
    native = open_native("floor")
    if compiled:
        assert native is not None
        table = Table(native, senders)
        fd = os.dup(port.socket.fileno())
        work = threading.Thread(target=lambda: native.lib.floor_run(fd, table.made), daemon=True)
    else:
        work = threading.Thread(target=run_in_python, args=(port, senders), daemon=True)
    work.start()


def next_packet(opened: socket.socket, session: Any) -> Any:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            return parse_packet(session.unprotect(opened.recv(4096)))
        except BlockingIOError:
            time.sleep(0.005)
    raise AssertionError("nothing came")


@pytest.mark.parametrize(
    "compiled",
    [
        pytest.param(
            True, marks=pytest.mark.skipif(missing_compiler() is not None, reason=str(missing_compiler()))
        ),
        False,
    ],
)
def test_a_packet_goes_to_every_receiver(compiled: bool) -> None:
    port = open_port("127.0.0.1", 0)
    anna, bert, carl, stranger = udp(), udp(), udp(), udp()
    receivers = [Receiver(transport(bert, port), 501, 101), Receiver(transport(carl, port), 502, 102)]
    run_floor(compiled, port, [Sender(transport(anna, port), {71: receivers})])
    track, going, address = PreparedAudio(1, 71, "0"), outbound(), port.socket.getsockname()
    others = PreparedAudio(2, 72, "0")
    stranger.sendto(outbound().protect(bytes(track.next(0))), address)
    anna.sendto(going.protect_rtcp(receiver_report(5, [])), address)
    anna.sendto(going.protect(bytes(others.next(0))), address)
    anna.sendto(b"\x01", address)
    sent = bytes(track.next(0))
    anna.sendto(going.protect(sent), address)
    for opened, ssrc, payload_type in ((bert, 501, 101), (carl, 502, 102)):
        got = next_packet(opened, inbound())
        assert (got.ssrc, got.payload_type, got.sequence_number) == (ssrc, payload_type, 1001)
        assert got.payload == parse_packet(sent).payload
    # Only that one came.
    time.sleep(0.05)
    for opened in (anna, bert, carl, stranger):
        with pytest.raises(BlockingIOError):
            opened.recv(4096)
        opened.close()
