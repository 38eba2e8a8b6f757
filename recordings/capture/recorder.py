"""Recorder: a packet sink with a bounded queue to one writer thread per media worker.

Everything that can wait, hash or fail for want of a disk happens in the writer thread, but for forcing to the
disk, which has a thread of its own (recordings/capture/forcer.py).
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from pathlib import Path

from media.sink import RecorderState, RecorderStatus, TrackDescription
from recordings.capture.disk import Disk
from recordings.capture.forcer import Forcer
from recordings.capture.journal import TrackIdentity, TrackJournal, cause_of
from recordings.capture.priority import yield_to_others
from recordings.capture.track_recorder import SLOW, STALL_SECONDS, TrackRecorder
from recordings.capture.volumes import AGAIN_SECONDS, Volumes

logger = logging.getLogger(__name__)

PACKET_CEILING = 8_192  # per track: about 40 s of video
# Each room's turn. A killed worker loses what came in so long, at most, and a fifth of a second that was not
# handed over yet; a write has its price whatever its size, so that turns of 50 ms cost twice as much, while
# turns of 0.4 s gain nothing that shows in a worker of eight rooms (docs/performance.md).
FLUSH_SECONDS = 0.25
# Between two rooms: with more than thirty of them turns become longer, 0.4 s with fifty, where four hundred
# files of a full core would otherwise take more than a tenth of it.
SHORTEST_PAUSE = 0.008
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 5.0
FAULT_SHOWN_SECONDS = 3.0  # A fault stays visible at least so long, two ticks of the room.
CLOCK_JUMP_NS = 1_000_000_000
WATCH_SECONDS = 0.2


class JournalRecorder:
    """RoomRecorder: the tracks of one recording in one worker."""

    def __init__(
        self,
        recording_id: str,
        directory: Path,
        disk: Disk,
        ceiling: int,
        roll: float,
        spill: Path | None = None,
        volumes: Volumes | None = None,
    ) -> None:
        self.recording_id = recording_id
        self._directory = directory
        self._disk = disk
        self._ceiling = ceiling
        self._roll = roll
        self._spill = spill
        self._volumes = volumes
        self._tracks: dict[str, TrackRecorder] = {}
        self._old: list[TrackRecorder] = []
        self._closed = False
        self._faulty_until = 0.0
        self._retry_at = 0.0
        self._offset_ns: int | None = None
        self.cause: str | None = None  # of the disk fault that lasts, set by the writer thread
        self._failing_since: float | None = None
        self._last_cause: str | None = None
        self._stalled: tuple[str, ...] = ()  # set by the watchdog

    @property
    def tracks(self) -> list[TrackRecorder]:
        """All of them, those that were replaced first."""
        return [*self._old, *self._tracks.values()]

    @property
    def fault(self) -> str | None:
        """What is wrong with the disk at present."""
        return self.cause or (SLOW if self._stalled else None)

    def open_track(self, track: TrackDescription) -> TrackRecorder:
        """A sink for one publication; a second one of the same source ends the first."""
        identity = TrackIdentity(
            recording_id=self.recording_id,
            participant_id=track.participant_id,
            source=track.source,
            kind=track.kind,
            codec=track.codec,
            clock_rate=track.clock_rate,
            channels=track.channels,
            payload_type=track.payload_type,
            fmtp=track.fmtp,
            orientation_id=track.orientation_id,
            redundant_payload_type=track.redundant_payload_type,
        )
        name = identity.directory_name()
        previous = self._tracks.get(name)
        journal = TrackJournal(self._directory, identity, self._disk, self._roll, self._spill, self._volumes)
        recorder = TrackRecorder(self, journal, self._ceiling)
        if previous is not None:
            previous.close("replaced")
            self._old = [*self._old, previous]
        self._tracks = {**self._tracks, name: recorder}
        return recorder

    def status(self) -> RecorderStatus:
        """``active`` only when bytes were forced to the disk, ``faulty`` while packets are lost or wait."""
        tracks = self.tracks
        size = sum(track.bytes_on_disk for track in tracks)
        faulty = self.fault is not None or time.monotonic() < self._faulty_until
        state: RecorderState = "faulty" if faulty else "active" if size else "preparing"
        cause = (self.fault or self._last_cause) if faulty else None
        if self._closed and all(track.finished for track in tracks):
            state, cause = "stopped", None
        dropped = sum(track.dropped for track in tracks)
        return RecorderStatus(
            state=state,
            bytes_on_disk=size,
            tracks=len(self._tracks),
            cause=cause,
            dropped=dropped,
            stalled=self._stalled,
        )

    def close(self, reason: str, timeout: float = CLOSE_SECONDS) -> None:
        """End every track; wait up to ``timeout`` seconds until the writer thread finished the files."""
        for track in self._tracks.values():
            track.close(reason)
        self._closed = True
        until = time.monotonic() + timeout
        while not self.done and time.monotonic() < until:
            time.sleep(FLUSH_SECONDS / 4)

    def note_fault(self, cause: str, now: float) -> None:
        """Packets are being lost at ``now`` (monotonic seconds)."""
        self._last_cause = cause
        self._faulty_until = max(self._faulty_until, now + FAULT_SHOWN_SECONDS)

    # Below: the writer thread.

    @property
    def done(self) -> bool:
        return self._closed and all(track.finished for track in self.tracks)

    def flush(self, writer: Writer) -> None:
        """One turn for all tracks; a disk error becomes the cause shown, and is tried again later."""
        now = time.monotonic()
        if now < self._retry_at:
            return
        offset = self._read_offset()
        failed: OSError | None = None
        for track in self.tracks:
            begun = time.monotonic()
            try:
                track.flush(offset, writer)
                writer.forcer.ask(track, now)
            except OSError as error:
                if writer.is_over:
                    return
                if self.cause is None:
                    logger.warning("Recording %s, track %s: %s", self.recording_id, track.name, error)
                failed = error
                if track.recover(error):
                    self._retry_at = now
            if writer.is_over:
                return
            if time.monotonic() - begun >= STALL_SECONDS:
                track.note_late(SLOW, begun, time.monotonic())
        self._settle(failed, now)

    def _settle(self, failed: OSError | None, now: float) -> None:
        if failed is None:
            if self.cause is not None and self._failing_since is not None:
                for track in self._tracks.values():
                    track.note_late(self.cause, self._failing_since, now)
            self.cause = self._failing_since = None
            return
        self.cause = cause_of(failed)
        self._failing_since = self._failing_since or now
        if self._retry_at != now:
            self._retry_at = now + RETRY_SECONDS
        self.note_fault(self.cause, now)

    def _read_offset(self) -> int:
        """Wall minus monotonic clock in ns; a jump of the wall clock is noted in every track."""
        offset = time.time_ns() - time.monotonic_ns()
        before, self._offset_ns = self._offset_ns, offset
        if before is not None and abs(offset - before) > CLOCK_JUMP_NS:
            for track in self._tracks.values():
                track.note(offset, {"type": "clock_jump", "by_ns": offset - before})
        return offset

    # Below: the watchdog.

    def look(self, now: float) -> None:
        """Which tracks stand still? They are named in the status and, once, in the log."""
        stalled = tuple(track.name for track in self.tracks if track.stalled(now))
        if stalled and stalled != self._stalled:
            logger.warning("Recording %s: nothing comes to the disk of %s", self.recording_id, stalled)
        self._stalled = stalled
        if stalled:
            self.note_fault(self.cause or SLOW, now)


class Writer:
    """One writer thread's claim to the journals, and what stays with it when another one takes over.

    It brings its own forcer: the one before may be stuck in a call to the same disk.
    """

    def __init__(self) -> None:
        self.forcer = Forcer()
        self.is_over = False
        self.left: deque[tuple[TrackRecorder, TrackJournal, float]] = deque()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin both threads."""
        assert self.thread is not None
        self.thread.start()
        self.forcer.start()

    def end(self) -> None:
        """What it is doing is the last thing that it does."""
        self.is_over = True
        self.forcer.stop()


class JournalRecorderFactory:
    """RecorderFactory of a media worker; owns the writer thread and the watchdog.

    ``spill``: a folder on a second volume. What the first one cannot take goes on there, below a folder
    named by the recording.
    """

    def __init__(
        self,
        disk: Disk | None = None,
        ceiling: int = PACKET_CEILING,
        roll_seconds: float = 600.0,
        spill: Path | None = None,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._spill = spill
        self._volumes = Volumes(1 if spill is None else 2, again_seconds)
        self._disk = disk or Disk()
        self._ceiling = ceiling
        self._roll_seconds = roll_seconds
        self._rooms: tuple[JournalRecorder, ...] = ()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._writer: Writer | None = None

    def open(self, recording_id: str, directory: str) -> JournalRecorder:
        """Begin or continue the journal of a recording in ``directory``."""
        spill = self._spill / recording_id if self._spill is not None else None
        room = JournalRecorder(
            recording_id, Path(directory), self._disk, self._ceiling, self._roll_seconds, spill, self._volumes
        )
        with self._lock:
            self._rooms = (*self._rooms, room)
        if self._writer is None:
            self._begin_writer().start()
            threading.Thread(target=self._watch, name="journal watchdog", daemon=True).start()
            atexit.register(self.close)
        return room

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Finish every recording and end the writer thread; waits at most ``timeout`` seconds."""
        for room in self._rooms:
            room.close("worker_stopped", timeout=0)
        self._stop.set()
        if self._writer is not None and self._writer.thread is not None:
            self._writer.thread.join(timeout)
        atexit.unregister(self.close)

    def _begin_writer(self) -> Writer:
        writer = Writer()
        writer.thread = threading.Thread(target=self._run, args=(writer,), name="journal", daemon=True)
        self._writer = writer
        return writer

    def _run(self, writer: Writer) -> None:
        yield_to_others()
        while not writer.is_over and (self._rooms or not self._stop.is_set()):
            rooms = self._rooms
            # One room after the other, evenly, so that nothing comes in a burst.
            for room in rooms:
                time.sleep(max(SHORTEST_PAUSE, FLUSH_SECONDS / len(rooms)))
                try:
                    room.flush(writer)
                except Exception:  # noqa: BLE001
                    # One recording that cannot go on must not end the others, nor fail in silence.
                    logger.exception("Recording %s could not be written", room.recording_id)
                    room.cause = "recorder_failed"
            if not rooms:
                time.sleep(FLUSH_SECONDS)
            self._forget_done()
        writer.forcer.stop()
        offset = time.time_ns() - time.monotonic_ns()
        while writer.left:
            track, journal, left_at = writer.left.popleft()
            track.bury(journal, offset, SLOW, left_at)

    # Below: the watchdog.

    def _watch(self) -> None:
        while self._rooms or not self._stop.wait(WATCH_SECONDS):
            time.sleep(WATCH_SECONDS)
            try:
                self._look()
            except Exception:  # noqa: BLE001
                logger.exception("The watchdog of the journals stumbled; it goes on")

    def _look(self) -> None:
        now = time.monotonic()
        for room in self._rooms:
            room.look(now)
        tracks = [track for room in self._rooms for track in room.tracks]
        stuck = next((track for track in tracks if track.writing_to is not None and track.stalled(now)), None)
        volume = stuck.writing_to if stuck is not None else None
        if volume is not None and self._volumes.has_other(volume):
            self._relieve(volume, tracks)

    def _relieve(self, volume: int, tracks: list[TrackRecorder]) -> None:
        """The writer is stuck in a call to a disk: another one goes on with the other volume."""
        old = self._writer
        assert old is not None and old.thread is not None
        logger.warning("Volume %d does not answer; recordings go on on the other one", volume)
        old.end()
        self._volumes.note_stuck(volume, old.thread)
        new, now = self._begin_writer(), time.monotonic()
        for track in tracks:
            journal = track.hand_over(new, volume, SLOW)
            if journal is not None:
                old.left.append((track, journal, now))
        new.start()

    def _forget_done(self) -> None:
        if any(room.done for room in self._rooms):
            with self._lock:
                self._rooms = tuple(room for room in self._rooms if not room.done)
