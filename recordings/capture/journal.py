"""Journal of one track: a chain of segment files, written by the writer thread only.

Another thread forces the file that is being written to the disk (recordings/capture/forcer.py).
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recordings.capture import segment
from recordings.capture.disk import Disk as Disk
from recordings.capture.disk import sync_directory as sync_directory
from recordings.capture.open_segment import OpenSegment
from recordings.capture.volumes import Volumes

SEGMENT_SECONDS = 600
SOFTWARE = "lianxin 0.1.0"
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True)
class TrackIdentity:
    """What every segment header of a track repeats."""

    recording_id: str
    participant_id: str
    source: str
    kind: str
    codec: str
    clock_rate: int
    channels: int
    payload_type: int
    fmtp: str
    orientation_id: int = 0
    redundant_payload_type: int = 0

    def directory_name(self) -> str:
        """``<participant_id>-<source>``; ValueError for names that could leave the folder."""
        if not _NAME.fullmatch(self.participant_id) or not _NAME.fullmatch(self.source):
            raise ValueError(f"not a track name: {self.participant_id!r} {self.source!r}")
        return f"{self.participant_id}-{self.source}"


@cache
def read_boot_id() -> str:
    """Monotonic times of one boot are comparable; those of two boots are not."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def readable_sha256(path: Path) -> str | None:
    """The same, or None on a disk that cannot be read: the next segment is more needed than the digest."""
    try:
        return file_sha256(path)
    except OSError:
        return None


_CAUSES = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EROFS: "disk_read_only"}


def cause_of(error: OSError) -> str:
    """The cause of a gap as the room is told it."""
    return _CAUSES.get(error.errno or 0, "disk_error")


class TrackJournal:
    """Appends records to the current segment and rolls to the next one.

    What the disk refused stays in ``pending`` and is written first when it works again, from the
    very byte where the write stopped, so a full disk alone never tears a record. A segment that is
    given up goes on as the next one of the track, on another volume where ``spill`` names one.
    """

    def __init__(
        self,
        root: Path,
        track: TrackIdentity,
        disk: Disk,
        roll_seconds: float = SEGMENT_SECONDS,
        spill: Path | None = None,
        volumes: Volumes | None = None,
    ):
        self._roots = (root,) if spill is None else (root, spill)
        self._folders = [each / "tracks" / track.directory_name() for each in self._roots]
        self.directory = self._folders[0]
        self.volume = 0  # of the segment that was begun last
        self.number = 0  # of that segment
        self._volumes = volumes or Volumes(len(self._roots))
        self._track = track
        self._disk = disk
        self._roll_ns = int(roll_seconds * 1e9)
        self._file: OpenSegment | None = None
        self._left: OpenSegment | None = None  # what was closed last; the other thread may be at work with it
        # For other threads, replaced whole: bytes written and forced of earlier segments, and the open one.
        self._told: tuple[int, int, OpenSegment | None] = (0, 0, None)
        self._pending: deque[tuple[bytes, int]] = deque()  # whole records, and how many
        self._written_of_first = 0
        self._started_ns = 0
        self._last_ns = (0, 0)
        self._records = 0
        self._digest = hashlib.sha256()
        self._previous: str | None = None
        self._after_fault = ""

    @property
    def pending(self) -> bool:
        return bool(self._pending)

    @property
    def bytes_written(self) -> int:
        """What the system has taken."""
        written, _, file = self._told
        return written + (file.written if file is not None else 0)

    @property
    def bytes_on_disk(self) -> int:
        """What is known to lie on the disk, whatever happens to the machine."""
        _, forced, file = self._told
        return forced + (file.forced if file is not None else 0)

    @property
    def file(self) -> OpenSegment | None:
        """The segment that is being written."""
        return self._told[2]

    @property
    def is_closed(self) -> bool:
        """Has nobody one of its files open any more?"""
        return self._file is None and (self._left is None or self._left.is_closed)

    @property
    def waiting(self) -> int:
        """Records that are not whole on the disk."""
        header = self._file is not None and self._records < 0
        return sum(count for _, count in self._pending) - header

    def successor(self, cause: str) -> TrackJournal:
        """A journal that goes on behind this one, whose disk does not come back for ``cause``."""
        other = TrackJournal(
            self._roots[0],
            self._track,
            self._disk,
            self._roll_ns / 1e9,
            self._roots[1] if len(self._roots) > 1 else None,
            self._volumes,
        )
        other.number, other._after_fault = self.number, cause if self.number else ""
        return other

    def append(self, kind: int, monotonic_ns: int, wall_ns: int, payload: bytes) -> None:
        """Queue one record for the next ``drain``."""
        self.append_framed(
            segment.encode_record(kind, monotonic_ns, wall_ns, payload), 1, monotonic_ns, wall_ns
        )

    def append_framed(self, records: bytes, count: int, monotonic_ns: int, wall_ns: int) -> None:
        """Queue ``count`` records that are framed already; the times are those of the last one."""
        self._pending.append((records, count))
        self._last_ns = (monotonic_ns, wall_ns)

    def note(self, monotonic_ns: int, wall_ns: int, content: dict[str, Any]) -> None:
        """Queue a MARK."""
        framed = segment.encode_json(segment.MARK, monotonic_ns, wall_ns, content)
        self.append_framed(framed, 1, monotonic_ns, wall_ns)

    def drain(self, monotonic_ns: int, wall_ns: int) -> None:
        """Write everything pending with one call; OSError leaves the rest pending."""
        if not self._pending:
            return
        if self._file is not None and monotonic_ns - self._started_ns >= self._roll_ns:
            self._finish(monotonic_ns, wall_ns, "rolled")
        if self._file is None:
            self._begin(monotonic_ns, wall_ns)
        while self._pending:
            self._write_once()

    def look_after(self) -> None:
        """If the file could not be forced meanwhile, leave it, so that a new one is begun, and raise why."""
        error = self._file.failure if self._file is not None else None
        if error is not None:
            self.abandon(cause_of(error))
            raise error

    def finish(self, monotonic_ns: int, wall_ns: int, reason: str) -> None:
        """Close the last segment with a footer; OSError when the disk refuses."""
        self.drain(monotonic_ns, wall_ns)
        if self._file is not None:
            self._finish(monotonic_ns, wall_ns, reason)

    def abandon(self, cause: str) -> None:
        """Leave the current segment as it is for ``cause``; the next drain begins another one."""
        file = self._file
        if file is not None and self._records < 0 and self._pending:
            self._pending.popleft()  # The header of the segment that is given up.
            self._remove_unbegun()
        elif file is not None:
            self._after_fault = cause
            self._cut_torn(file)
        self._previous, self._written_of_first = None, 0
        self._leave()

    def retire(self, monotonic_ns: int, wall_ns: int) -> int:
        """A successor goes on: close the segment if the disk came back. Returns the records that are lost."""
        lost = self.waiting
        try:
            if self._file is not None:
                while self._pending:
                    self._write_once()
                lost = 0
                self._finish(monotonic_ns, wall_ns, "moved")
        except OSError:
            lost = min(lost, self.waiting)
            self.abandon("moved")
        return lost

    def may_move(self) -> bool:
        """Is there another volume on which to go on?"""
        return self._volumes.has_other(self.volume)

    def note_failure(self) -> None:
        """The volume of this segment failed just now."""
        self._volumes.note_failure(self.volume)

    def _remove_unbegun(self) -> None:
        """A file without a whole header holds no record, and a reader would take it for a damaged one."""
        with suppress(OSError):
            self._place(self.volume, self.number).unlink()
            self.number -= 1

    def _cut_torn(self, file: OpenSegment) -> None:
        """The half of a record that the disk took is cut off; the whole one goes to the next segment."""
        if not self._pending or not self._written_of_first:
            return
        whole = self._keep_unwritten()
        with suppress(OSError):
            file.truncate(file.written - self._written_of_first + whole)

    def _leave(self) -> None:
        """Let go of the file; where it has no footer, that tells of what happened."""
        file = self._file
        if file is None:
            return
        written, forced, _ = self._told
        self._told = (written + file.written, forced + file.forced, None)
        self._file, self._left = None, file
        file.let_go()

    def _finish(self, monotonic_ns: int, wall_ns: int, reason: str) -> None:
        while self._pending:
            self._write_once()
        content = {"reason": reason, "records": self._records, "last_monotonic_ns": self._last_ns[0]}
        self._pending.append((segment.encode_json(segment.FOOTER, monotonic_ns, wall_ns, content), 1))
        try:
            while self._pending:
                self._write_once()
            assert self._file is not None
            self._file.force()
        except OSError as error:
            self.abandon(cause_of(error))
            self._pending.clear()  # The footer.
            raise
        self._leave()
        self._previous = self._digest.hexdigest()

    def _begin(self, monotonic_ns: int, wall_ns: int) -> None:
        self.volume = self._volumes.best()
        self.number, previous = self._next_place()
        if self.volume:
            # Its parent is not made: that would be a folder of some other disk while the volume is away.
            self._roots[self.volume].mkdir(mode=0o700, exist_ok=True)
        fields = {**vars(self._track), "segment": self.number, "previous_sha256": previous}
        header = segment.SegmentHeader(
            **fields,
            started_monotonic_ns=monotonic_ns,
            started_wall_ns=wall_ns,
            boot_id=read_boot_id(),
            software=SOFTWARE,
            after_fault=self._after_fault,
        )
        self._file = OpenSegment(self._disk, self._place(self.volume, self.number))
        self._told = (*self._told[:2], self._file)
        self._pending.appendleft((segment.encode_header(header), 1))
        self._started_ns, self._records, self._digest = monotonic_ns, -1, hashlib.sha256()
        self._after_fault = ""

    def _place(self, volume: int, number: int) -> Path:
        return self._folders[volume] / f"{number:06d}{segment.SUFFIX}"

    def _next_place(self) -> tuple[int, str | None]:
        """Number of the next segment and digest of the one before, as it lies on the disk.

        A volume that does not answer is not asked; our own segment there is known.
        """
        present: dict[int, Path] = {}
        for volume in filter(self._volumes.answers, range(len(self._folders))):
            for path in segment.segment_paths(self._folders[volume]):
                present[int(path.stem)] = path
        last = max([self.number, *present])
        if last not in present:
            return last + 1, None
        return last + 1, self._previous or readable_sha256(present[last])

    def _write_once(self) -> None:
        assert self._file is not None
        data = b"".join(records for records, _ in self._pending)
        if self._written_of_first:
            data = data[self._written_of_first :]
        count = self._file.write(data)
        self._digest.update(data[:count] if count < len(data) else data)
        self._forget_written(self._written_of_first + count)

    def _forget_written(self, count: int) -> None:
        while self._pending and count >= len(self._pending[0][0]):
            records, number = self._pending.popleft()
            count -= len(records)
            self._records += number
        self._written_of_first = count

    def _keep_unwritten(self) -> int:
        """Of the run that the disk took in part, keep the records that are not whole there.

        Returns the bytes of those that are.
        """
        records, number = self._pending.popleft()
        start = 0
        while (end := segment.record_end(records, start)) <= self._written_of_first:
            start, number = end, number - 1
        self._pending.appendleft((records[start:], number))
        return start


def tracks_of(root: Path) -> Iterable[Path]:
    """Track directories of a recording folder in a fixed order."""
    return sorted(path for path in (root / "tracks").glob("*") if path.is_dir())
