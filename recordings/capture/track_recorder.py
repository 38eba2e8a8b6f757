"""Track recorder: the packet sink of one publication, a bounded queue between two threads.

The packet path appends to a deque and returns. The writer thread takes from its other end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from media.reel import Records
from media.rtp import Packet
from media.sink import SenderReport
from recordings.capture import segment
from recordings.capture.journal import TrackJournal, cause_of

BYTE_CEILING = 8 << 20  # per track
SLOW = "disk_slow"
BATCH = 1_024  # entries of the queue that are written with one call at most

# Packets that are not written after so long mean that the disk stands still, and so does one call that
# forces them which takes so long. Seconds.
STALL_SECONDS = 1.25
# What was written may wait so long for its turn to be forced; after that it is told like a disk that stands
# still. Seconds.
TURN_SECONDS = 5.0


class FaultBoard(Protocol):
    """Where a track says that it loses packets: the recorder of its room."""

    @property
    def fault(self) -> str | None:
        """What is wrong with the disk at present."""

    def note_fault(self, cause: str, now: float) -> None:
        """Packets are being lost at ``now`` (monotonic seconds)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Packets that were not recorded, or came to the disk late (none dropped), and why.

    Times are monotonic seconds.
    """

    cause: str
    since: float
    until: float
    dropped: int


class TrackRecorder:
    """PacketSink of one publication.

    The lock is held for moments, never while a disk is at work, and never by the packet path: it decides
    whose the journal is when a writer thread does not come back and another one takes over.
    """

    def __init__(self, room: FaultBoard, journal: TrackJournal, ceiling: int) -> None:
        self._room = room
        self._journal = journal
        self._ceiling = ceiling
        self._queue: deque[tuple[int, float, bytes] | Records | Gap] = deque()
        self._bytes_in = self._packets_in = 0  # written by the packet path only
        self._bytes_out = self._packets_out = 0  # written by the writer thread only
        self._gap: Gap | None = None
        self._close_reason: str | None = None
        self._lock = threading.Lock()
        self._writer: object = None
        self._busy = False
        self._moved = (0, 0)  # bytes written and on the disk, of journals that were handed over
        # When it was asked for that what was written be forced, and since when that is being done.
        self._asked_at: float | None = None
        self._forcing_since: float | None = None
        # Of the watchdog: bytes written and packets at its last look, and since when packets wait.
        self._seen = (0, 0)
        self._waiting_since: float | None = None
        self.name = journal.directory.name
        self.dropped = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        """Is every file of it written, forced and closed?"""
        return self._ended and self._journal.is_closed

    @property
    def bytes_written(self) -> int:
        """What the system has taken."""
        return self._moved[0] + self._journal.bytes_written

    @property
    def bytes_on_disk(self) -> int:
        """What was forced to the disk, so that it outlives the machine's power."""
        return self._moved[1] + self._journal.bytes_on_disk

    def stalled(self, now: float) -> bool:
        """Do packets come while nothing comes to the disk? Asked several times a second by the watchdog."""
        asked, forcing = self._asked_at, self._forcing_since
        if forcing is not None and now - forcing >= STALL_SECONDS:
            return True
        if asked is not None and now - asked >= TURN_SECONDS:
            return True
        size = self.bytes_written  # First: what came before it was read may be in it.
        came = self._packets_in + self.dropped
        if size != self._seen[0] or self.finished:
            self._seen, self._waiting_since = (size, came), None
        elif came != self._seen[1] and self._waiting_since is None:
            self._waiting_since = now
        return self._waiting_since is not None and now - self._waiting_since >= STALL_SECONDS

    def write(self, packet: Packet, now: float) -> None:
        """Take the packet at once; when the queue is full, drop it and note a gap."""
        self._put(segment.RTP, packet.data, now)

    def record(self, records: Records, layer: object) -> None:
        """The same for many at once; all of them are taken or dropped."""
        if self._may_take(records.count, segment.record_time(records.framed, 0) / 1e9, records.last_at):
            self._queue.append(records)
            self._packets_in += records.count
            self._bytes_in += len(records.framed)

    def report(self, report: SenderReport, now: float) -> None:
        """Keep the publisher's clock mapping (RFC 3550 section 6.4.1)."""
        payload = segment.pack_report(report.ssrc, report.ntp, report.rtp_timestamp)
        self._put(segment.SENDER_REPORT, payload, now)

    def close(self, reason: str) -> None:
        """The publication ended; the writer thread closes the segment."""
        if self._close_reason is None:
            self._end_gap()
            self._close_reason = reason or "closed"

    def _put(self, kind: int, data: bytes, now: float) -> None:
        if self._may_take(1, now, now):
            self._queue.append((kind, now, data))
            self._packets_in += 1
            self._bytes_in += len(data)

    def _may_take(self, count: int, since: float, now: float) -> bool:
        """Whether there is room; if not, ``count`` packets are dropped and a gap is noted."""
        if self._close_reason is not None:
            return False
        waiting = self._packets_in - self._packets_out
        if waiting >= self._ceiling or self._bytes_in - self._bytes_out >= BYTE_CEILING:
            self._drop(count, since, now)
            return False
        if self._gap is not None:
            self._end_gap()
        return True

    def _drop(self, count: int, since: float, now: float) -> None:
        self.dropped += count
        gap = self._gap
        if gap is None:
            self._gap = Gap(self._room.fault or "queue_full", since, now, count)
        else:
            self._gap = Gap(gap.cause, gap.since, now, gap.dropped + count)
        self._room.note_fault(self._gap.cause, now)

    def _end_gap(self) -> None:
        if self._gap is not None:
            self._queue.append(self._gap)
            self._gap = None

    # Below: the writer thread.

    def flush(self, wall_offset_ns: int, writer: object) -> None:
        """Bring what is queued to the disk; OSError leaves it queued. Nothing happens for a former writer."""
        with self._lock:
            if self._ended or self._writer not in (None, writer):
                return
            self._writer, self._busy = writer, True
            journal, closing = self._journal, self._close_reason
        try:
            self._write_out(journal, wall_offset_ns, closing)
        finally:
            with self._lock:
                if self._journal is journal:
                    self._busy = False

    def _write_out(self, journal: TrackJournal, wall_offset_ns: int, closing: str | None) -> None:
        now_ns = time.monotonic_ns()
        journal.look_after()
        if journal.pending:
            journal.drain(now_ns, now_ns + wall_offset_ns)
        while self._take_batch(journal, wall_offset_ns):
            journal.drain(now_ns, now_ns + wall_offset_ns)
        if closing is not None and self._journal is journal:
            journal.finish(now_ns, now_ns + wall_offset_ns, closing)
            self._ended = self._journal is journal

    def note(self, wall_offset_ns: int, content: dict[str, Any]) -> None:
        """Put a MARK behind what was written; it goes out with the next flush."""
        now_ns = time.monotonic_ns()
        if not self._ended and self.bytes_written:
            self._journal.note(now_ns, now_ns + wall_offset_ns, content)

    def note_late(self, cause: str, since: float, until: float) -> None:
        """The disk was in trouble between these monotonic seconds, and nothing more than time was lost."""
        self._queue.append(Gap(cause, since, until, 0))

    def recover(self, error: OSError) -> bool:
        """After a full disk the same segment goes on where there is no other; else a new one begins.

        True where another volume takes over, so that nothing has to wait.
        """
        self._journal.note_failure()
        moves = self._journal.may_move()
        if moves or cause_of(error) != "disk_full":
            self._journal.abandon(cause_of(error))
        return moves

    def _take_batch(self, journal: TrackJournal, wall_offset_ns: int) -> bool:
        with self._lock:
            if self._journal is not journal:
                return False
            count = min(len(self._queue), BATCH)
            for _ in range(count):
                self._append(journal, self._queue.popleft(), wall_offset_ns)
        return count > 0

    def _append(
        self, journal: TrackJournal, entry: tuple[int, float, bytes] | Records | Gap, offset_ns: int
    ) -> None:
        if isinstance(entry, Gap):
            self._append_gap(journal, entry, offset_ns)
        elif isinstance(entry, Records):
            at = int(entry.last_at * 1e9)
            journal.append_framed(entry.framed, entry.count, at, at + offset_ns)
            self._packets_out += entry.count
            self._bytes_out += len(entry.framed)
        else:
            kind, now, data = entry
            at = int(now * 1e9)
            journal.append(kind, at, at + offset_ns, data)
            self._packets_out += 1
            self._bytes_out += len(data)

    def _append_gap(self, journal: TrackJournal, gap: Gap, wall_offset_ns: int) -> None:
        at = int(gap.until * 1e9)
        content = {
            "type": "gap" if gap.dropped else "fault",
            "cause": gap.cause,
            "dropped": gap.dropped,
            "from_monotonic_ns": int(gap.since * 1e9),
            "to_monotonic_ns": at,
        }
        journal.note(at, at + wall_offset_ns, content)

    # Below: the forcer's thread, but for `ask`.

    def ask(self, now: float) -> bool:
        """The writer wants what it wrote to be forced; False when there is nothing or it was asked before."""
        file = self._journal.file
        if self._asked_at is not None or file is None or file.written <= file.forced:
            return False
        self._asked_at = now
        return True

    def take_back(self) -> None:
        """There was no room for it; the writer asks again in its next turn."""
        self._asked_at = None

    def start_writing(self) -> None:
        """Let the disk begin with what will be forced in a moment."""
        file = self._journal.file
        if file is not None and file.hold():
            file.start_writing()
            file.let_go()

    def force(self) -> None:
        """Force what was written so far. A failure is found by the writer in its next turn."""
        with self._lock:
            journal, self._asked_at = self._journal, None
            file = journal.file
            if file is None or not file.hold():
                return
            begun = self._forcing_since = time.monotonic()
        try:
            with suppress(OSError):
                file.force()
        finally:
            file.let_go()
            with self._lock:
                if self._journal is journal:
                    self._forcing_since = None
        now = time.monotonic()
        if now - begun >= STALL_SECONDS and self._journal is journal:
            self.note_late(SLOW, begun, now)

    # Below: the watchdog.

    @property
    def writing_to(self) -> int | None:
        """The volume that the writer is at work with for this track, or the forcer for long; else None."""
        forcing = self._forcing_since
        stuck = forcing is not None and time.monotonic() - forcing >= STALL_SECONDS
        return self._journal.volume if self._busy or stuck else None

    def hand_over(self, writer: object, volume: int, cause: str) -> TrackJournal | None:
        """``writer`` goes on for the one that is stuck in a call to ``volume``.

        Returns the journal that stays with the old one, None where it can be gone on with.
        """
        with self._lock:
            self._writer, self._asked_at = writer, None
            journal = self._journal
            if self._ended or not (self._busy or journal.volume == volume):
                return None
            written, forced = self._moved
            self._moved = (written + journal.bytes_written, forced + journal.bytes_on_disk)
            self._journal, self._busy = journal.successor(cause), False
            self._forcing_since = None
            return journal

    def bury(self, journal: TrackJournal, wall_offset_ns: int, cause: str, left_at: float) -> None:
        """The old writer came back: close what stayed with it, and note what it could not write."""
        now_ns = time.monotonic_ns()
        lost = journal.retire(now_ns, now_ns + wall_offset_ns)
        if lost:
            self.dropped += lost
            self._queue.append(Gap(cause, left_at - STALL_SECONDS, left_at, lost))
