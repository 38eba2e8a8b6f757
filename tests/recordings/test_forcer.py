"""Forcing to the disk in a thread of its own: nothing is confirmed before it, and no write waits for it."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings.capture import segment
from recordings.capture.disk import Disk
from recordings.capture.forcer import Forcer
from recordings.capture.recorder import JournalRecorderFactory
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.spill import bring_home
from tests.recordings.test_recorder import describe, numbers, packet, wait_for

pytestmark = pytest.mark.usefixtures("brief_faults")
PROMISE = 2.0  # seconds until everybody knows
TRACK = "tracks/p1-camera"


class HeldDisk(Disk):
    """Calls that force files of one volume wait for ``open``; the next names are refused if told so."""

    def __init__(self, volume: Path) -> None:
        self._volume = volume
        self._held: set[int] = set()
        self.open = threading.Event()
        self.open.set()
        self.refuses_names = False

    def create(self, path: Path) -> int:
        fd = super().create(path)
        (self._held.add if path.is_relative_to(self._volume) else self._held.discard)(fd)
        return fd

    def sync(self, fd: int) -> None:
        if fd in self._held:
            self.open.wait(30)
        super().sync(fd)

    def sync_names(self, path: Path) -> None:
        if self.refuses_names:
            self.refuses_names = False
            raise OSError(errno.EIO, "told to fail")
        super().sync_names(path)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[HeldDisk]:
    made = HeldDisk(tmp_path / "first")
    yield made
    made.open.set()


def test_nothing_is_confirmed_before_it_is_forced_and_writing_goes_on(tmp_path: Path, disk: HeldDisk) -> None:
    folder = tmp_path / "first" / "rec1"
    factory = JournalRecorderFactory(disk)
    room = factory.open("rec1", str(folder))
    sink = room.open_track(describe())
    disk.open.clear()
    sink.write(packet(0), time.monotonic())
    wait_for(lambda: numbers(folder / TRACK) == [0])
    begun = time.monotonic()
    assert (room.status().state, room.status().bytes_on_disk) == ("preparing", 0)
    for number in range(1, 20):
        sink.write(packet(number), time.monotonic())
    wait_for(lambda: len(numbers(folder / TRACK)) == 20)
    wait_for(lambda: room.status().state == "faulty")
    assert time.monotonic() - begun <= PROMISE
    status = room.status()
    assert (status.cause, status.stalled, status.bytes_on_disk) == ("disk_slow", ("p1-camera",), 0)
    disk.open.set()
    wait_for(lambda: room.status().state == "active")
    room.close("bye")
    factory.close()
    (path,) = segment.segment_paths(folder / TRACK)
    assert room.status().bytes_on_disk == path.stat().st_size
    (track,) = read_tracks(folder, read_clock_map(folder))
    assert numbers(folder / TRACK) == list(range(20)) and track["gaps"] == []
    assert ("fault", "disk_slow") in [(mark["type"], mark["cause"]) for mark in track["marks"]]


def test_a_disk_that_forces_nothing_is_left_for_the_second_one(tmp_path: Path, disk: HeldDisk) -> None:
    folder, second = tmp_path / "first" / "rec1", tmp_path / "second"
    second.mkdir()
    factory = JournalRecorderFactory(disk, spill=second)
    room = factory.open("rec1", str(folder))
    sink = room.open_track(describe())
    disk.open.clear()
    given = 0
    begun = time.monotonic()
    while not segment.segment_paths(second / "rec1" / TRACK) or room.status().state != "active":
        assert time.monotonic() - begun < 8, "waited too long"
        sink.write(packet(given), time.monotonic())
        given += 1
        time.sleep(0.01)
    disk.open.set()
    first = folder / TRACK / "000001.lxj"
    wait_for(lambda: b'"moved"' in first.read_bytes())
    room.close("bye")
    factory.close()
    bring_home(second / "rec1", folder)
    assert numbers(folder / TRACK) == list(range(given))
    (track,) = read_tracks(folder, read_clock_map(folder))
    assert track["gaps"] == []


def test_a_name_that_cannot_be_forced_begins_a_new_segment(tmp_path: Path, disk: HeldDisk) -> None:
    factory = JournalRecorderFactory(disk)
    room = factory.open("rec1", str(tmp_path))
    sink = room.open_track(describe())
    disk.refuses_names = True
    sink.write(packet(0), time.monotonic())
    wait_for(lambda: room.status().cause == "disk_error")
    sink.write(packet(1), time.monotonic())
    wait_for(lambda: len(segment.segment_paths(tmp_path / TRACK)) == 2)
    room.close("bye")
    factory.close()
    assert numbers(tmp_path / TRACK) == [0, 1]


class Told:
    """A track that writes down what the forcer does with it."""

    bytes_on_disk = 0

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name
        self.calls = calls
        self.asked = False

    def ask(self, now: float) -> bool:
        before, self.asked = self.asked, True
        return not before

    def take_back(self) -> None:
        self.asked = False

    def start_writing(self) -> None:
        self.calls.append(f"start {self.name}")

    def force(self) -> None:
        self.asked = False
        self.calls.append(f"force {self.name}")


def test_the_disk_begins_with_every_file_before_one_is_waited_for() -> None:
    calls: list[str] = []
    tracks = [Told(name, calls) for name in "abc"]
    forcer = Forcer()
    for track in (*tracks, *tracks):  # Each is asked for once, however often it was written to.
        forcer.ask(track, 1.0)
    forcer.start()
    wait_for(lambda: len(calls) == 6)
    forcer.stop()
    assert calls == ["start a", "start b", "start c", "force a", "force b", "force c"]


def test_what_finds_no_room_with_the_forcer_asks_again() -> None:
    calls: list[str] = []
    first, second = Told("a", calls), Told("b", calls)
    forcer = Forcer(ceiling=1)
    forcer.ask(first, 1.0)
    forcer.ask(second, 1.0)
    assert (first.asked, second.asked) == (True, False)
    forcer.start()
    wait_for(lambda: len(calls) == 2)
    forcer.ask(second, 2.0)
    wait_for(lambda: len(calls) == 4)
    forcer.stop()
    assert calls == ["start a", "force a", "start b", "force b"]
