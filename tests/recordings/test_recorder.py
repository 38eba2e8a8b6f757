"""The recorder under kills, full disks and full queues: what it says is on the disk is on the disk."""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from media.rtp import Packet, parse_packet
from media.sink import SenderReport, TrackDescription
from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal, file_sha256
from recordings.capture.recorder import JournalRecorderFactory
from recordings.evidence.inventory import is_being_written, read_clock_map, read_tracks
from tests.recordings.synthetic import MONOTONIC_NS, PARTIES, START_NS, identity, rtp

pytestmark = pytest.mark.usefixtures("brief_faults")
ROOT = Path(__file__).resolve().parents[2]


def describe(participant: str = "p1", source: str = "camera") -> TrackDescription:
    return TrackDescription(
        room_id="room",
        participant_id=participant,
        source=source,  # type: ignore[arg-type]
        kind="video",
        codec="VP8",
        clock_rate=90_000,
        channels=0,
        payload_type=96,
        fmtp="",
    )


def packet(number: int, size: int = 200) -> Packet:
    return parse_packet(rtp(number, number * 3000, 7, struct.pack("!I", number) + b"x" * size, True, 96))


def numbers(folder: Path) -> list[int]:
    """The running numbers inside the packets on the disk, in the order of the journal."""
    found = []
    for path in segment.segment_paths(folder):
        with segment.SegmentFile(path) as file:
            for item in file.items():
                if isinstance(item, segment.Record) and item.kind == segment.RTP:
                    found.append(struct.unpack("!I", item.payload[12:16])[0])
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


class FaultyDisk(Disk):
    """A disk that fails as told: ``left`` bytes are still free, ``error`` is what it answers then."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.error = errno.ENOSPC
        self.sync_fails = False

    def write(self, fd: int, data: bytes) -> int:
        if self.left is None:
            return super().write(fd, data)
        if self.left == 0:
            raise OSError(self.error, "told to fail")
        count = super().write(fd, data[: self.left])
        self.left -= count
        return count

    def sync(self, fd: int) -> None:
        if self.sync_fails:
            self.sync_fails = False
            raise OSError(errno.EIO, "told to fail")
        super().sync(fd)


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def factory(disk: FaultyDisk) -> Iterator[JournalRecorderFactory]:
    made = JournalRecorderFactory(disk, ceiling=500)
    yield made
    disk.left = None
    made.close()


@pytest.mark.parametrize("name", ["../p1", "p/1", "", "p.1", "a" * 65])
def test_a_track_name_cannot_leave_the_folder(
    factory: JournalRecorderFactory, tmp_path: Path, name: str
) -> None:
    room = factory.open("rec1", str(tmp_path))
    with pytest.raises(ValueError):
        room.open_track(describe(name))


def test_every_packet_comes_back_and_the_segment_is_closed(
    factory: JournalRecorderFactory, tmp_path: Path
) -> None:
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    assert room.status().state == "preparing"
    for number in range(300):
        sink.write(packet(number), time.monotonic())
    sink.report(SenderReport(ssrc=7, ntp=1 << 40, rtp_timestamp=5), time.monotonic())
    wait_for(lambda: room.status().state == "active")
    assert room.status().bytes_on_disk <= sum(p.stat().st_size for p in tmp_path.rglob("*.lxj"))
    room.close("bye")
    assert room.status().state == "stopped"
    assert numbers(tmp_path / "tracks/p1-camera") == list(range(300))
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    assert track["segments"][0]["closed"] == "bye"
    assert (track["segments"][0]["packets"], track["segments"][0]["lost_packets"]) == (300, 0)
    assert track["gaps"] == []


def test_a_segment_is_locked_while_it_is_written(factory: JournalRecorderFactory, tmp_path: Path) -> None:
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    sink.write(packet(1), time.monotonic())
    wait_for(lambda: room.status().bytes_on_disk > 0)
    (path,) = segment.segment_paths(tmp_path / "tracks/p1-camera")
    assert is_being_written(path)
    room.close("bye")
    assert not is_being_written(path)


def test_a_publisher_that_comes_back_goes_on_in_the_next_segment(
    factory: JournalRecorderFactory, tmp_path: Path
) -> None:
    room = factory.open("rec1", str(tmp_path))
    first = room.open_track(describe())
    first.write(packet(1), time.monotonic())
    second = room.open_track(describe())
    first.write(packet(99), time.monotonic())
    second.write(packet(2), time.monotonic())
    room.close("bye")
    paths = segment.segment_paths(tmp_path / "tracks/p1-camera")
    assert [path.name for path in paths] == ["000001.lxj", "000002.lxj"]
    assert numbers(tmp_path / "tracks/p1-camera") == [1, 2]
    with segment.SegmentFile(paths[1]) as file:
        assert file.header is not None
        assert file.header.previous_sha256 == file_sha256(paths[0])


def test_segments_roll_and_are_chained(tmp_path: Path) -> None:
    journal = TrackJournal(tmp_path, identity(PARTIES[0], "camera"), Disk(), roll_seconds=10)
    for second in range(35):
        at = second * 1_000_000_000
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, packet(second).data)
        journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "bye")
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    assert [entry["closed"] for entry in track["segments"]] == ["rolled", "rolled", "rolled", "bye"]
    assert track["gaps"] == []
    before = [None, *(entry["sha256"] for entry in track["segments"][:-1])]
    assert [entry["previous_sha256"] for entry in track["segments"]] == before


def test_a_worker_that_dies_just_after_rolling_leaves_a_gap(tmp_path: Path) -> None:
    for begin in (0, 12):
        journal = TrackJournal(tmp_path, identity(PARTIES[0], "camera"), Disk(), roll_seconds=10)
        at = begin * 1_000_000_000
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, packet(begin).data)
        journal.finish(MONOTONIC_NS + at + 10, START_NS + at + 10, "rolled")
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    assert [gap["cause"] for gap in track["gaps"]] == ["not_continued"]


def test_a_full_queue_becomes_a_gap_and_is_shown(tmp_path: Path) -> None:
    class SlowDisk(Disk):
        def write(self, fd: int, data: bytes) -> int:
            time.sleep(0.3)
            return super().write(fd, data)

    factory = JournalRecorderFactory(SlowDisk(), ceiling=50)
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    for number in range(200):
        sink.write(packet(number), time.monotonic())
    assert room.status().state == "faulty"
    assert (room.status().cause, room.status().dropped) == ("queue_full", 150)
    wait_for(lambda: room.status().bytes_on_disk > 10_000)
    sink.write(packet(200), time.monotonic())
    room.close("bye")
    factory.close()
    assert numbers(tmp_path / "tracks/p1-camera") == [*range(50), 200]
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    (gap,) = track["gaps"]
    assert (gap["cause"], gap["dropped"]) == ("queue_full", 150)


def test_write_never_waits_for_a_slow_disk(tmp_path: Path) -> None:
    came, goes_on = threading.Event(), threading.Event()

    class StuckDisk(Disk):
        def write(self, fd: int, data: bytes) -> int:
            came.set()
            goes_on.wait(30)
            return super().write(fd, data)

    factory = JournalRecorderFactory(StuckDisk())
    sink = factory.open("rec1", str(tmp_path)).open_track(describe())
    sink.write(packet(0), time.monotonic())
    assert came.wait(5)  # The writer thread is stuck in its first write now.
    slowest = 0.0
    for number in range(1, 5_000):
        begun = time.perf_counter()
        sink.write(packet(number), time.monotonic())
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 0.2
    goes_on.set()
    factory.close()
    assert numbers(tmp_path / "tracks/p1-camera") == list(range(5_000))


def test_a_full_disk_is_shown_and_tears_no_record(
    factory: JournalRecorderFactory, disk: FaultyDisk, tmp_path: Path
) -> None:
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    for number in range(20):
        sink.write(packet(number), time.monotonic())
    wait_for(lambda: room.status().state == "active")
    disk.left = 700  # Two records and a half.
    for number in range(20, 30):
        sink.write(packet(number), time.monotonic())
    wait_for(lambda: room.status().state == "faulty")
    assert room.status().cause == "disk_full"
    for number in range(30, 700):
        sink.write(packet(number), time.monotonic())
    assert room.status().dropped > 0
    disk.left = None
    wait_for(lambda: room.status().state == "active", 8)
    sink.write(packet(999), time.monotonic())
    room.close("bye")
    found = numbers(tmp_path / "tracks/p1-camera")
    assert found == [*range(30 + 500), 999]
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    assert track["segments"][0]["damaged"] == []
    (gap,) = [gap for gap in track["gaps"] if gap["cause"] != "no_packets"]
    assert (gap["cause"], gap["dropped"]) == ("disk_full", 170)


def test_a_real_full_disk(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        factory = JournalRecorderFactory()
        room = factory.open("rec1", str(mount))
        sink = room.open_track(describe())
        for number in range(400):
            sink.write(packet(number, 900), time.monotonic())
        wait_for(lambda: room.status().state == "faulty")
        assert room.status().cause == "disk_full"
        subprocess.run(["mount", "-o", "remount,size=4m", mount], check=True)
        wait_for(lambda: room.status().state == "active", 8)
        room.close("bye")
        factory.close()
        assert numbers(mount / "tracks/p1-camera") == list(range(400))
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_failing_sync_begins_a_new_segment(
    factory: JournalRecorderFactory, disk: FaultyDisk, tmp_path: Path
) -> None:
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    disk.sync_fails = True
    for number in range(5):
        sink.write(packet(number), time.monotonic())
    wait_for(lambda: room.status().state == "faulty")
    assert room.status().cause == "disk_error"
    wait_for(lambda: room.status().state == "active", 8)
    sink.write(packet(5), time.monotonic())
    room.close("bye")
    assert len(segment.segment_paths(tmp_path / "tracks/p1-camera")) == 2
    assert numbers(tmp_path / "tracks/p1-camera") == list(range(6))


WRITER = """
import sys, time
from tests.recordings.test_recorder import describe, packet
from recordings.capture.recorder import JournalRecorderFactory
factory = JournalRecorderFactory(roll_seconds=0.15)
sink = factory.open("rec1", sys.argv[1]).open_track(describe())
number = int(sys.argv[2])
while True:
    sink.write(packet(number), time.monotonic())
    number += 1
    print(number, sink.bytes_on_disk, flush=True)
    time.sleep(0.0005)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """Five processes one after another on the same track, each killed at another moment."""
    begin, known, lowest = 0, 0, 0
    for round_number in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(begin)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert process.stdout is not None
        until = None
        for line in process.stdout:
            number, size = map(int, line.split())
            if until is None and size:
                until = time.monotonic() + 0.11 * (round_number + 1) + 0.013 * round_number
            lowest = max(lowest, known + size)
            if until is not None and time.monotonic() > until:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        begin = number
        known = sum(path.stat().st_size for path in tmp_path.rglob("*.lxj"))
        assert known >= lowest > 0
    found = numbers(tmp_path / "tracks/p1-camera")
    assert found == sorted(set(found))
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    assert all(entry["damaged"] == [] or not entry["closed"] for entry in track["segments"])
    told = [gap for gap in track["gaps"] if gap["cause"] in ("worker_killed", "not_continued")]
    assert len(told) == 4
    for before, after in zip(track["segments"], track["segments"][1:], strict=False):
        assert after["previous_sha256"] == before["sha256"]
