"""Track recorder: the packet sink of one publication, a bounded queue between two threads.

The packet path appends to a deque and returns. The writer thread takes from its other end.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from media.reel import Records
from media.rtp import Packet
from media.sink import SenderReport
from recordings import segment
from recordings.journal import TrackJournal

BYTE_CEILING = 8 << 20  # per track
BATCH = 1_024  # entries of the queue that are written with one call at most

_CAUSES = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EROFS: "disk_read_only"}


def cause_of(error: OSError) -> str:
    """The cause of a gap as the room is told it."""
    return _CAUSES.get(error.errno or 0, "disk_error")


class FaultBoard(Protocol):
    """Where a track says that it loses packets: the recorder of its room."""

    cause: str | None

    def note_fault(self, cause: str, now: float) -> None:
        """Packets are being lost at ``now`` (monotonic seconds)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Packets that were not recorded, and why. Times are monotonic seconds."""

    cause: str
    since: float
    until: float
    dropped: int


class TrackRecorder:
    """PacketSink of one publication."""

    def __init__(self, room: FaultBoard, journal: TrackJournal, ceiling: int) -> None:
        self._room = room
        self._journal = journal
        self._ceiling = ceiling
        self._queue: deque[tuple[int, float, bytes] | Records | Gap] = deque()
        self._bytes_in = self._packets_in = 0  # written by the packet path only
        self._bytes_out = self._packets_out = 0  # written by the writer thread only
        self._gap: Gap | None = None
        self._close_reason: str | None = None
        self.dropped = 0
        self.finished = False

    @property
    def bytes_on_disk(self) -> int:
        return self._journal.bytes_on_disk

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
            self._gap = Gap(self._room.cause or "queue_full", since, now, count)
        else:
            self._gap = Gap(gap.cause, gap.since, now, gap.dropped + count)
        self._room.note_fault(self._gap.cause, now)

    def _end_gap(self) -> None:
        if self._gap is not None:
            self._queue.append(self._gap)
            self._gap = None

    # Below: the writer thread.

    def flush(self, wall_offset_ns: int) -> None:
        """Bring what is queued to the disk; OSError leaves it queued."""
        if self.finished:
            return
        now_ns = time.monotonic_ns()
        closing = self._close_reason
        if self._journal.pending:
            self._journal.drain(now_ns, now_ns + wall_offset_ns)
        while self._take_batch(wall_offset_ns):
            self._journal.drain(now_ns, now_ns + wall_offset_ns)
        if closing is not None:
            self._journal.finish(now_ns, now_ns + wall_offset_ns, closing)
            self.finished = True

    def note(self, wall_offset_ns: int, content: dict[str, Any]) -> None:
        """Put a MARK behind what was written; it goes out with the next flush."""
        now_ns = time.monotonic_ns()
        if not self.finished and self._journal.bytes_on_disk:
            self._journal.note(now_ns, now_ns + wall_offset_ns, content)

    def sync(self) -> None:
        self._journal.sync()

    def recover(self, error: OSError) -> None:
        """After a full disk the same segment goes on; after anything else a new one begins."""
        if cause_of(error) != "disk_full":
            self._journal.abandon()

    def _take_batch(self, wall_offset_ns: int) -> bool:
        count = min(len(self._queue), BATCH)
        for _ in range(count):
            entry = self._queue.popleft()
            if isinstance(entry, Gap):
                self._append_gap(entry, wall_offset_ns)
            elif isinstance(entry, Records):
                at = int(entry.last_at * 1e9)
                self._journal.append_framed(entry.framed, entry.count, at, at + wall_offset_ns)
                self._packets_out += entry.count
                self._bytes_out += len(entry.framed)
            else:
                kind, now, data = entry
                at = int(now * 1e9)
                self._journal.append(kind, at, at + wall_offset_ns, data)
                self._packets_out += 1
                self._bytes_out += len(data)
        return count > 0

    def _append_gap(self, gap: Gap, wall_offset_ns: int) -> None:
        at = int(gap.until * 1e9)
        content = {
            "type": "gap",
            "cause": gap.cause,
            "dropped": gap.dropped,
            "from_monotonic_ns": int(gap.since * 1e9),
            "to_monotonic_ns": at,
        }
        self._journal.note(at, at + wall_offset_ns, content)
