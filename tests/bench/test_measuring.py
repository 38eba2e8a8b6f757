"""Arrival times, percentiles, ratios: what the figures are made of."""

import os
import socket
import time

import pytest

from bench.arrivals import ArrivalBuffer, open_socket
from bench.forwarding import Measurement
from bench.process import cpu_seconds, resident_megabytes
from bench.report import head, one_row, ratios, summary_rows, verdict
from bench.window import Latency, Window, latency_of


def measurement(server: str, cpu: float, rooms: int = 1, number: int = 0) -> Measurement:
    return Measurement(server, rooms, number, cpu, Latency(0.1, 0.2, 0.3), 0.0, 50.0, 1980.0, 0.1, 0.2)


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


def test_a_window_is_closed_until_it_is_opened() -> None:
    window = Window()
    assert not window.start_ns <= time.time_ns() < window.end_ns
    window.open()
    assert window.start_ns <= time.time_ns() < window.end_ns
    window.shut()
    assert window.seconds < 1


def test_percentiles() -> None:
    latency = latency_of([n * 1_000_000 for n in range(1, 101)])
    assert (latency.p50, latency.p99, latency.worst) == (51.0, 100.0, 100.0)
    with pytest.raises(ValueError, match="no packet"):
        latency_of([])


def test_ratios_compare_within_a_round() -> None:
    found = [
        measurement("ours", 10, number=0),
        measurement("janus", 40, number=0),
        measurement("ours", 30, number=1),
        measurement("janus", 60, number=1),
        measurement("ours", 10, rooms=4),
    ]
    assert ratios(found) == {"ours": {1: 0.375}}
    assert verdict(found)[-1].endswith("NOT met") is False
    assert verdict([measurement("ours", 30), measurement("janus", 40)])[-1].endswith("NOT met")


def test_the_table_is_straight() -> None:
    rows = [head(), one_row(measurement("ours", 9.5)), *summary_rows([measurement("janus-1-loop", 33.25)])]
    assert len({len(row) for row in rows}) == 1


def test_a_process_has_cpu_time_and_memory() -> None:
    assert cpu_seconds(os.getpid()) > 0
    assert resident_megabytes(os.getpid()) > 10
