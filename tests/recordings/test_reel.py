"""What compiled code frames is what the journal would have framed, byte for byte, and kept as safely."""

from __future__ import annotations

import errno
import random
import time
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from media.fastpath import build, load
from media.reel import Records, Reel
from recordings.capture import segment
from recordings.capture.journal import Disk
from recordings.capture.recorder import JournalRecorderFactory
from recordings.capture.track_recorder import TrackRecorder
from recordings.evidence.inventory import read_clock_map, read_tracks
from tests.recordings.test_recorder import FaultyDisk, describe, numbers, packet, wait_for

pytestmark = pytest.mark.usefixtures("brief_faults")
WHY_NOT = build()
compiled = pytest.mark.skipif(
    WHY_NOT is not None, reason=f"the compiled packet path was not built: {WHY_NOT}"
)


@pytest.fixture
def library() -> Any:
    return load()


def run_of(*found: int, size: int = 200) -> Records:
    """Packets with these running numbers, framed by Python."""
    now = time.monotonic()
    at = int(now * 1e9)
    framed = b"".join(segment.encode_record(segment.RTP, at, at + 5, packet(n, size).data) for n in found)
    return Records(framed, len(found), now)


@compiled
def test_frames_are_the_journals_own(library: Any) -> None:
    dice = random.Random(3)
    reel, expected, offset = Reel(is_video=True), b"", -(10**15)
    for length in (*range(40), *(dice.randrange(12, 1_800) for _ in range(90))):
        data, now = dice.randbytes(length), dice.random() * 1e6
        assert library.wind(reel.state, data, length, now, offset) == 0
        at = int(now * 1e9)
        wall = (at + offset) % 2**64  # A clock before 1970 must not break anything.
        expected += segment.encode_record(segment.RTP, at, wall, data)
    records = reel.take()
    assert records is not None and reel.take() is None
    assert (records.framed, records.count, records.last_at) == (expected, 130, now)


@compiled
def test_a_full_reel_takes_nothing_more_and_keeps_what_it_has(library: Any) -> None:
    reel = Reel(is_video=False)
    taken = 0
    while library.wind(reel.state, b"x" * 1_000, 1_000, 1.0, 0) == 0:
        taken += 1
    records = reel.take()
    assert records is not None and records.count == taken == 16 * 1024 // 1_032
    assert len(records.framed) == taken * 1_032
    assert library.wind(reel.state, b"x" * 1_000, 1_000, 1.0, 0) == 0


@compiled
def test_both_ways_to_a_checksum(library: Any) -> None:
    dice = random.Random(5)
    for length in (*range(64), 1_499, 65_535):
        data = dice.randbytes(length)
        right = google_crc32c.value(data)
        assert library.crc32c(0, data, length) == right
        assert library.crc32c_by_table(0, data, length) == right
        assert (
            library.crc32c(library.crc32c(0, data, length // 3), data[length // 3 :], length - length // 3)
            == right
        )


def test_runs_and_single_packets_are_one_journal(tmp_path: Path) -> None:
    factory = JournalRecorderFactory()
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    sink.record(run_of(*range(40)), None)
    sink.write(packet(40), time.monotonic())
    sink.record(run_of(*range(41, 90)), None)
    room.close("bye")
    factory.close()
    assert numbers(tmp_path / "tracks/p1-camera") == list(range(90))
    (path,) = segment.segment_paths(tmp_path / "tracks/p1-camera")
    with segment.SegmentFile(path) as file:
        last = list(file.items())[-1]
    assert isinstance(last, segment.Record) and last.kind == segment.FOOTER
    assert segment.parse_json(last.payload)["records"] == 90


def test_a_segment_given_up_inside_a_run_repeats_no_whole_record(tmp_path: Path) -> None:
    """The disk takes half of a run, then fails for good: the next segment begins with what is not there."""
    disk = FaultyDisk()
    factory = JournalRecorderFactory(disk)
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    sink.record(run_of(*range(10)), None)
    wait_for(lambda: room.status().state == "active")
    disk.left, disk.error = 5 * 248 + 100, errno.EIO
    sink.record(run_of(*range(10, 30)), None)
    wait_for(lambda: room.status().state == "faulty")
    disk.left = None
    wait_for(lambda: room.status().state == "active", 8)
    room.close("bye")
    factory.close()
    folder = tmp_path / "tracks/p1-camera"
    assert numbers(folder) == list(range(30))
    first, second = segment.segment_paths(folder)
    with segment.SegmentFile(first) as file:
        whole = list(file.items())
    assert len(whole) == 15 and all(isinstance(item, segment.Record) for item in whole)
    with segment.SegmentFile(second) as file:
        assert not any(isinstance(item, segment.Damage) for item in file.items())
    assert segment.RECORD_OVERHEAD + len(packet(0).data) == 248


def test_a_run_that_finds_no_room_is_a_gap_from_its_first_packet(tmp_path: Path) -> None:
    class StuckDisk(Disk):
        def write(self, fd: int, data: bytes) -> int:
            time.sleep(0.5)
            return super().write(fd, data)

    factory = JournalRecorderFactory(StuckDisk(), ceiling=50)
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    assert isinstance(sink, TrackRecorder)
    sink.record(run_of(*range(60)), None)
    lost = run_of(*range(60, 90))
    sink.record(lost, None)
    assert (room.status().cause, room.status().dropped) == ("queue_full", 30)
    wait_for(lambda: room.status().bytes_on_disk > 10_000)
    sink.record(run_of(90), None)
    room.close("bye")
    factory.close()
    assert numbers(tmp_path / "tracks/p1-camera") == [*range(60), 90]
    (track,) = read_tracks(tmp_path, read_clock_map(tmp_path))
    (gap,) = track["gaps"]
    assert (gap["cause"], gap["dropped"]) == ("queue_full", 30)
