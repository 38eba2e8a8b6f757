"""A first volume that is full or stuck: the recording goes on on the second one and comes home whole."""

from __future__ import annotations

import errno
import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.capture.recorder import (
    FLUSH_SECONDS,
    WATCH_SECONDS,
    JournalRecorder,
    JournalRecorderFactory,
)
from recordings.capture.track_recorder import TrackRecorder
from recordings.capture.volumes import Volumes
from recordings.evidence import spill
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.spill import NoRoom, bring_home
from recordings.evidence.verification import verify_folder
from tests.recordings.synthetic import MONOTONIC_NS, PARTIES, START_NS, identity, seal
from tests.recordings.test_recorder import describe, numbers, packet, wait_for

pytestmark = pytest.mark.usefixtures("brief_faults")
PROMISE = 2.0  # seconds until everybody knows


class TwoDisks(Disk):
    """The first one fails as told: ``left`` bytes are free, or calls wait for ``open``."""

    def __init__(self, first: Path) -> None:
        self._first = first
        self._of_first: set[int] = set()
        self.left: int | None = None
        self.error = errno.ENOSPC
        self.open = threading.Event()
        self.open.set()

    def create(self, path: Path) -> int:
        if path.is_relative_to(self._first):
            self.open.wait(30)
            fd = super().create(path)
            self._of_first.add(fd)
            return fd
        fd = super().create(path)
        self._of_first.discard(fd)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        if fd not in self._of_first:
            return super().write(fd, data)
        self.open.wait(30)
        if self.left is None:
            return super().write(fd, data)
        if self.left == 0:
            raise OSError(self.error, "told to fail")
        count = super().write(fd, data[: self.left])
        self.left -= count
        return count


class Bench:
    """A recorder with two volumes, one track, and a count of the packets that were given to it."""

    def __init__(
        self, root: Path, again_seconds: float = 60.0, second: bool = True, ceiling: int = 5000
    ) -> None:
        self.folder, self.second = root / "first" / "rec1", root / "second"
        self.folder.mkdir(parents=True)
        self.second.mkdir()
        self.disk = TwoDisks(root / "first")
        self.factory = JournalRecorderFactory(
            self.disk, ceiling, spill=self.second if second else None, again_seconds=again_seconds
        )
        self.room: JournalRecorder = self.factory.open("rec1", str(self.folder))
        self.sink: TrackRecorder = self.room.open_track(describe())
        self.given = 0

    def give(self, count: int) -> None:
        for _ in range(count):
            self.sink.write(packet(self.given), time.monotonic())
            self.given += 1

    def give_until(self, wanted: Any, seconds: float = 5.0) -> float:
        """A packet every 10 ms until that holds; returns how long it took."""
        begun = time.monotonic()
        while not wanted():
            assert time.monotonic() - begun < seconds, "waited too long"
            self.give(1)
            time.sleep(0.01)
        return time.monotonic() - begun

    def on_second(self) -> list[Path]:
        return segment.segment_paths(self.second / "rec1" / "tracks" / "p1-camera")

    def finish(self) -> dict[str, Any]:
        """Close, come home, seal; the one track of the manifest."""
        self.disk.open.set()
        self.room.close("bye")
        self.factory.close()
        bring_home(self.second / "rec1", self.folder)
        assert list(self.second.iterdir()) == []
        seal(self.folder, parties=PARTIES[:1])
        assert verify_folder(self.folder).intact
        (track,) = read_tracks(self.folder, read_clock_map(self.folder))
        return track


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.disk.open.set()
    made.disk.left = None
    made.factory.close()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_what_the_first_volume_refuses_goes_on_on_the_second(bench: Bench, error: int) -> None:
    bench.give(20)
    wait_for(lambda: bench.room.status().state == "active")
    bench.disk.left, bench.disk.error = 700, error  # Two records and a half.
    bench.give(10)
    wait_for(lambda: bench.room.status().state == "faulty", PROMISE)
    cause = bench.room.status().cause
    wait_for(lambda: bool(bench.on_second()), 1)
    bench.give(900)
    track = bench.finish()
    assert numbers(bench.folder / "tracks/p1-camera") == list(range(930))
    assert [entry["number"] for entry in track["segments"]] == [1, 2]
    assert [entry["damaged"] for entry in track["segments"]] == [[], []]
    assert track["segments"][1]["previous_sha256"] == track["segments"][0]["sha256"]
    assert track["gaps"] == []
    told = [(mark["type"], mark["cause"]) for mark in track["marks"]]
    assert ("continued", cause) in told


def test_a_stuck_disk_is_named_within_two_seconds_and_another_thread_goes_on(bench: Bench) -> None:
    bench.give(20)
    wait_for(lambda: bench.room.status().state == "active")
    bench.disk.open.clear()
    took = bench.give_until(lambda: bench.room.status().state == "faulty")
    status = bench.room.status()
    assert took <= PROMISE and (status.cause, status.stalled) == ("disk_slow", ("p1-camera",))
    bench.give_until(lambda: bool(bench.on_second()))
    bench.give_until(lambda: not bench.room.status().stalled)
    before = bench.room.status().bytes_on_disk
    bench.give_until(lambda: bench.room.status().bytes_on_disk > before)
    # What the stuck thread held is written when its disk comes back, once, before what followed.
    bench.disk.open.set()
    first = bench.folder / "tracks/p1-camera/000001.lxj"
    wait_for(lambda: b'"moved"' in first.read_bytes())
    bench.give(5)
    track = bench.finish()
    assert numbers(bench.folder / "tracks/p1-camera") == list(range(bench.given))
    assert track["gaps"] == [] and track["segments"][0]["closed"] == "moved"
    assert ("continued", "disk_slow") in [(mark["type"], mark["cause"]) for mark in track["marks"]]


def test_what_a_stuck_disk_never_took_is_a_gap_with_its_cause(bench: Bench) -> None:
    bench.give(20)
    wait_for(lambda: bench.room.status().state == "active")
    bench.disk.open.clear()
    bench.give_until(lambda: bool(bench.on_second()))
    bench.disk.left, bench.disk.error = 0, errno.EIO
    bench.disk.open.set()
    wait_for(lambda: bench.room.status().dropped > 0)
    bench.give(5)
    track = bench.finish()
    (gap,) = track["gaps"]
    found = numbers(bench.folder / "tracks/p1-camera")
    assert gap["cause"] == "disk_slow" and len(found) == len(set(found)) == bench.given - gap["dropped"]


def test_a_stall_without_a_second_volume_is_told_and_marked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, second=False, ceiling=400)
    bench.give(20)
    wait_for(lambda: bench.room.status().state == "active")
    bench.disk.open.clear()
    took = bench.give_until(lambda: bool(bench.room.status().stalled))
    assert took <= PROMISE and bench.room.status().state == "faulty"
    bench.give(500)
    time.sleep(FLUSH_SECONDS + WATCH_SECONDS)  # The call began so much later than the waiting, at most.
    bench.disk.open.set()
    bench.give_until(lambda: not bench.room.status().stalled)
    track = bench.finish()
    (gap,) = track["gaps"]
    found = numbers(bench.folder / "tracks/p1-camera")
    assert gap["cause"] == "disk_slow" and len(found) == bench.given - gap["dropped"] < bench.given
    assert ("fault", "disk_slow") in [(mark["type"], mark["cause"]) for mark in track["marks"]]


def test_a_quiet_track_is_no_stall(bench: Bench) -> None:
    bench.give(3)
    wait_for(lambda: numbers(bench.folder / "tracks/p1-camera") == [0, 1, 2])
    wait_for(lambda: bench.sink.bytes_on_disk == bench.sink.bytes_written)
    now = time.monotonic()
    assert not any(bench.sink.stalled(now + later) for later in (0, 5, 50))


def test_a_recording_that_breaks_does_not_end_the_others(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    other = bench.factory.open("rec2", str(bench.folder.parent / "rec2"))
    sink = other.open_track(describe("p2"))

    def broken(*_: object) -> None:
        raise ValueError("told to fail")

    bench.sink.flush = broken  # type: ignore[method-assign]
    bench.give(3)
    sink.write(packet(1), time.monotonic())
    wait_for(lambda: other.status().state == "active")
    wait_for(lambda: (bench.room.status().state, bench.room.status().cause) == ("faulty", "recorder_failed"))
    assert "could not be written" in caplog.text
    del bench.sink.flush  # type: ignore[method-assign]


def test_the_next_segment_returns_to_the_first_volume_when_it_had_its_rest(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second" / "rec1"
    (tmp_path / "second").mkdir()
    disk, volumes = TwoDisks(first), Volumes(2, again_seconds=0.2)
    journal = TrackJournal(first, identity(PARTIES[0], "camera"), disk, 10, second, volumes)

    def write(number: int) -> None:
        at = number * 1_000_000_000
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, packet(number).data)
        journal.drain(MONOTONIC_NS + at, START_NS + at)

    disk.left = 0
    with pytest.raises(OSError, match="told"):
        write(0)
    journal.note_failure()
    assert journal.may_move()
    journal.abandon("disk_full")
    write(1)
    assert list(first.rglob("*.lxj")) == []  # Not even an empty file is left.
    disk.left = None
    time.sleep(0.25)
    write(15)
    journal.finish(MONOTONIC_NS + 16 * 10**9, START_NS + 16 * 10**9, "bye")
    name = journal.directory.name
    assert [path.name for path in segment.segment_paths(second / "tracks" / name)] == ["000001.lxj"]
    assert [path.name for path in segment.segment_paths(first / "tracks" / name)] == ["000002.lxj"]
    assert bring_home(second, first) == 1
    assert numbers(first / "tracks" / name) == [0, 1, 15]


def test_a_second_volume_that_is_away_is_not_made_on_another_disk(bench: Bench) -> None:
    bench.second.rmdir()
    bench.give(20)
    wait_for(lambda: bench.room.status().state == "active")
    bench.disk.left = 0
    bench.give(10)
    wait_for(lambda: bench.room.status().state == "faulty")
    time.sleep(1.2)  # Both were tried.
    bench.disk.left = None
    bench.room.close("bye")
    assert not bench.second.exists()
    assert numbers(bench.folder / "tracks/p1-camera") == list(range(30))


def spilled(root: Path) -> tuple[Path, Path]:
    """(second, first): two segments of a track on the second volume, the first one is empty."""
    second, first = root / "second", root / "first"
    for number in range(2):
        journal = TrackJournal(second, identity(PARTIES[0], "camera"), Disk())
        at = number * 1_000_000_000
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, packet(number).data)
        journal.finish(MONOTONIC_NS + at, START_NS + at, "bye")
    return second, first


def test_coming_home_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    second, first = spilled(tmp_path)
    (name,) = (path.name for path in (second / "tracks").iterdir())
    target = first / "tracks" / name
    target.mkdir(parents=True)
    whole = (second / "tracks" / name / "000001.lxj").read_bytes()
    (target / "000001.lxj").write_bytes(whole)  # It was killed before the copy there was removed,
    (target / ".arriving-000002.lxj").write_bytes(whole[:50])  # or in the middle of the next one.
    assert bring_home(second, first) == 2
    assert sorted(path.name for path in target.iterdir()) == ["000001.lxj", "000002.lxj"]
    assert numbers(target) == [0, 1] and not second.exists()
    assert bring_home(second, first) == 0


def test_nothing_is_overwritten_or_removed_where_two_differ_or_space_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, first = spilled(tmp_path)
    (name,) = (path.name for path in (second / "tracks").iterdir())
    target = first / "tracks" / name / "000001.lxj"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"another")
    with pytest.raises(FileExistsError):
        bring_home(second, first)
    assert target.read_bytes() == b"another"
    target.unlink()
    monkeypatch.setattr(spill, "KEPT_FREE", 1 << 60)
    with pytest.raises(NoRoom):
        bring_home(second, first)
    assert numbers(second / "tracks" / name) == [0, 1] and not target.exists()


def test_a_copy_that_does_not_read_back_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, first = spilled(tmp_path)
    (name,) = (path.name for path in (second / "tracks").iterdir())
    copied = spill.shutil.copyfile

    def badly(source: Path, target: Path) -> None:
        copied(source, target)
        with target.open("r+b") as file:
            file.write(b"\xff")

    monkeypatch.setattr(spill.shutil, "copyfile", badly)
    with pytest.raises(OSError, match="read back"):
        bring_home(second, first)
    assert numbers(second / "tracks" / name) == [0, 1] and not list((first / "tracks" / name).iterdir())


def test_what_is_still_being_written_stays_where_it_is(tmp_path: Path) -> None:
    second, first = spilled(tmp_path)
    (name,) = (path.name for path in (second / "tracks").iterdir())
    with (second / "tracks" / name / "000002.lxj").open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert bring_home(second, first) == 0
        assert numbers(second / "tracks" / name) == [0, 1]
    assert bring_home(second, first) == 2
