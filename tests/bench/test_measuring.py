"""Arrival times, percentiles, ratios: what the figures are made of."""

import os
import socket
import time

import pytest

from bench.arrivals import ArrivalBuffer, open_socket
from bench.process import cpu, resident_megabytes
from bench.window import Tally, Window, latency_of


def test_datagrams_come_with_the_kernels_arrival_time() -> None:
    arrivals = ArrivalBuffer()
    with open_socket("127.0.0.1") as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        # The kernel begins to keep arrival times a moment after the first socket asked for them.
        time.sleep(0.2)
        before = time.time_ns()
        for data in (b"one", b"", b"three"):
            sender.sendto(data, receiver.getsockname())
        after = time.time_ns()
        time.sleep(0.02)
        batch = arrivals.receive(receiver.fileno())
        assert [size for size, _ in batch] == [3, 0, 5]
        assert bytes(arrivals.views[2][:5]) == b"three"
        assert all(before - 1_000_000 <= arrived <= after + 1_000_000 for _, arrived in batch)
        assert arrivals.receive(receiver.fileno()) == []


def test_a_window_holds_what_is_sent_from_its_start_and_before_its_end() -> None:
    window = Window()
    assert not window.holds(time.time_ns())
    window.set(1_000, 2_000)
    assert [window.holds(moment) for moment in (999, 1_000, 1_999, 2_000)] == [False, True, True, False]
    assert window.seconds == pytest.approx(1e-6)


def test_percentiles() -> None:
    latency = latency_of([n * 1_000_000 for n in range(1, 101)])
    assert (latency.p50, latency.p99, latency.worst) == (51.0, 100.0, 100.0)
    with pytest.raises(ValueError, match="no packet"):
        latency_of([])


def test_tallies_of_several_engines_add_up() -> None:
    first = Tally(sent=3, delivered=2, latencies=[1, 2], late=1, worst_late=0.5)
    both = first.plus(Tally(sent=1, delivered=1, latencies=[9], duplicates=4, worst_late=0.1))
    assert (both.sent, both.delivered, both.duplicates, both.late, both.worst_late) == (4, 3, 4, 1, 0.5)
    assert list(both.latencies) == [1, 2, 9]


def burn(seconds: float) -> None:
    """In this process's own code: to ask for the time of a thread is a call of the kernel."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(20_000))


def test_a_process_has_cpu_time_and_memory() -> None:
    before = cpu(os.getpid())
    burn(0.2)
    after = cpu(os.getpid())
    # Other threads of the tests may have worked as well.
    assert 0.19 <= after.since(before) < 1.0
    assert 0 <= after.kernel_share_since(before) < 0.9
    assert resident_megabytes(os.getpid()) > 10


def test_most_of_a_system_call_is_kernel_time() -> None:
    before = cpu(os.getpid())
    with open("/dev/zero", "rb", buffering=0) as zero:
        until = time.thread_time() + 0.3
        while time.thread_time() < until:
            zero.read(1 << 20)
    assert cpu(os.getpid()).kernel_share_since(before) > 0.5
