"""Recorder: a packet sink with a bounded queue to one writer thread per media worker.

Everything that can wait, hash or fail for want of a disk happens in the writer thread.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from media.sink import RecorderState, RecorderStatus, TrackDescription
from recordings.journal import Disk, TrackIdentity, TrackJournal
from recordings.track_recorder import TrackRecorder, cause_of

PACKET_CEILING = 8_192  # per track: about 40 s of video
# Each room's turn. A killed worker loses what came in so long, at most; a write has its price whatever its
# size, so that turns of 50 ms cost twice as much.
FLUSH_SECONDS = 0.25
SHORTEST_PAUSE = 0.005
# Below the thread that forwards, which must not wait while many tracks are written.
NICENESS = 5
SYNC_SECONDS = 1.0
RETRY_SECONDS = 0.5
CLOSE_SECONDS = 5.0
FAULT_SHOWN_SECONDS = 3.0  # A fault stays visible at least so long, two ticks of the room.
CLOCK_JUMP_NS = 1_000_000_000


class JournalRecorder:
    """RoomRecorder: the tracks of one recording in one worker."""

    def __init__(self, recording_id: str, directory: Path, disk: Disk, ceiling: int, roll: float) -> None:
        self.recording_id = recording_id
        self._directory = directory
        self._disk = disk
        self._ceiling = ceiling
        self._roll = roll
        self._tracks: dict[str, TrackRecorder] = {}
        self._old: list[TrackRecorder] = []
        self._closed = False
        self._faulty_until = 0.0
        self._retry_at = 0.0
        self._synced_at = 0.0
        self._offset_ns: int | None = None
        self.cause: str | None = None  # of the disk fault that lasts, set by the writer thread
        self._last_cause: str | None = None

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
        journal = TrackJournal(self._directory, identity, self._disk, self._roll)
        recorder = TrackRecorder(self, journal, self._ceiling)
        if previous is not None:
            previous.close("replaced")
            self._old = [*self._old, previous]
        self._tracks = {**self._tracks, name: recorder}
        return recorder

    def status(self) -> RecorderStatus:
        """``active`` only when bytes lie on the disk, ``faulty`` while packets are lost."""
        tracks = [*self._old, *self._tracks.values()]
        size = sum(track.bytes_on_disk for track in tracks)
        faulty = self.cause is not None or time.monotonic() < self._faulty_until
        state: RecorderState = "faulty" if faulty else "active" if size else "preparing"
        cause = (self.cause or self._last_cause) if faulty else None
        if self._closed and all(track.finished for track in tracks):
            state, cause = "stopped", None
        dropped = sum(track.dropped for track in tracks)
        return RecorderStatus(
            state=state, bytes_on_disk=size, tracks=len(self._tracks), cause=cause, dropped=dropped
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
        return self._closed and all(track.finished for track in [*self._old, *self._tracks.values()])

    def flush(self) -> None:
        """One turn for all tracks; a disk error becomes the cause shown, and is tried again later."""
        now = time.monotonic()
        if now < self._retry_at:
            return
        sync = now - self._synced_at >= SYNC_SECONDS
        self._synced_at = now if sync else self._synced_at
        offset = self._read_offset()
        failed: OSError | None = None
        for track in [*self._old, *self._tracks.values()]:
            try:
                track.flush(offset)
                if sync:
                    track.sync()
            except OSError as error:
                failed = error
                track.recover(error)
        self._settle(failed, now)

    def _settle(self, failed: OSError | None, now: float) -> None:
        if failed is None:
            self.cause = None
            return
        self.cause = cause_of(failed)
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


class JournalRecorderFactory:
    """RecorderFactory of a media worker; owns the writer thread."""

    def __init__(
        self, disk: Disk | None = None, ceiling: int = PACKET_CEILING, roll_seconds: float = 600.0
    ) -> None:
        self._disk = disk or Disk()
        self._ceiling = ceiling
        self._roll_seconds = roll_seconds
        self._rooms: tuple[JournalRecorder, ...] = ()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, recording_id: str, directory: str) -> JournalRecorder:
        """Begin or continue the journal of a recording in ``directory``."""
        room = JournalRecorder(recording_id, Path(directory), self._disk, self._ceiling, self._roll_seconds)
        with self._lock:
            self._rooms = (*self._rooms, room)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        return room

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Finish every recording and end the writer thread; waits at most ``timeout`` seconds."""
        for room in self._rooms:
            room.close("worker_stopped", timeout=0)
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        atexit.unregister(self.close)

    def _run(self) -> None:
        _yield_to_others()
        while self._rooms or not self._stop.is_set():
            rooms = self._rooms
            # One room after the other, evenly, so that nothing comes in a burst.
            for room in rooms:
                time.sleep(max(SHORTEST_PAUSE, FLUSH_SECONDS / len(rooms)))
                room.flush()
            if not rooms:
                time.sleep(FLUSH_SECONDS)
            self._forget_done()

    def _forget_done(self) -> None:
        if any(room.done for room in self._rooms):
            with self._lock:
                self._rooms = tuple(room for room in self._rooms if not room.done)


def _yield_to_others() -> None:
    """Lower this thread's priority where the system has one for each thread."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
