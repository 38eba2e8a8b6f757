"""Inventory: what lies in a recording folder, read once from end to end when it is sealed."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from media.rtp import RtpError, parse_packet
from recordings.capture import segment
from recordings.capture.journal import tracks_of
from recordings.evidence.clock_jumps import JUMP_NS
from recordings.evidence.digests import digests
from recordings.evidence.manifest import CHAIN_START, chain_next, utc_text

# Footers after which the track should have gone on; None where there is none.
INTERRUPTED = (None, "rolled", "moved", "worker_stopped")
SILENCE_NS = 3_000_000_000  # Media silence that long is a gap (robustness rule: reconnecting at 3 s).


class ClockMap:
    """Monotonic time of a boot to wall time, fixed by that boot's earliest segment.

    A wall clock that is set during the session therefore moves nothing.
    """

    def __init__(self) -> None:
        self._anchors: dict[str, tuple[int, int]] = {}
        self._seen: list[tuple[int, int]] = []  # recording time, and by how much the clock was off from then

    def learn(self, header: segment.SegmentHeader) -> None:
        anchor = (header.started_monotonic_ns, header.started_wall_ns)
        known = self._anchors.get(header.boot_id)
        if known is None or anchor < known:
            self._anchors[header.boot_id] = anchor

    def wall_ns(self, boot_id: str | None, monotonic_ns: int, recorded_wall_ns: int) -> int:
        anchor = self._anchors.get(boot_id or "")
        if anchor is None:
            return recorded_wall_ns
        return anchor[1] + monotonic_ns - anchor[0]

    def differ(
        self, boot_id: str | None, wall_ns: int, recorded_wall_ns: int, known: int | None
    ) -> int | None:
        """Hold the clock of a record against the recording's time ``wall_ns``, where the boot is known.

        Returns by how many ns it was off, to be given as ``known`` for the next record of the track.
        """
        if (boot_id or "") not in self._anchors:
            return known
        off = recorded_wall_ns - wall_ns
        if known is not None and abs(off - known) <= JUMP_NS:
            return known
        self._seen.append((wall_ns, off))
        return off

    def jumps(self) -> list[dict[str, Any]]:
        """Where the wall clock was set, by all tracks that were read; in order."""
        found, off = [], 0
        for at, seen in sorted(self._seen):
            if abs(seen - off) > JUMP_NS:
                found.append({"at": utc_text(at), "by_ns": seen - off})
                off = seen
        return found

    def anchors(self) -> list[dict[str, Any]]:
        return [
            {"boot_id": boot, "monotonic_ns": mono, "wall_ns": wall, "wall_at": utc_text(wall)}
            for boot, (mono, wall) in sorted(self._anchors.items())
        ]


def read_clock_map(folder: Path) -> ClockMap:
    """The clock mapping of all segments of a recording."""
    clock = ClockMap()
    for track in tracks_of(folder):
        for path in segment.segment_paths(track):
            with segment.SegmentFile(path) as file:
                if file.header is not None:
                    clock.learn(file.header)
    return clock


def is_being_written(path: Path) -> bool:
    """True while a living process holds the segment open for writing."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def segments_being_written(folder: Path) -> list[Path]:
    paths = [path for track in tracks_of(folder) for path in segment.segment_paths(track)]
    return [path for path in paths if is_being_written(path)]


@dataclass
class LossCounter:
    """Packets that never came, by sequence numbers of each SSRC (RFC 3550 appendix A.3).

    While another SSRC is recorded in its place, as simulcast layers take turns, nothing of it is missing.
    """

    highest: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    settled: int = 0
    present: int = -1

    def count(self, payload: bytes) -> None:
        try:
            packet = parse_packet(payload)
        except RtpError:
            return
        ssrc, number = packet.ssrc, packet.sequence_number
        if ssrc != self.present:
            self._turn_to(ssrc)
        if ssrc not in self.highest:
            self.first[ssrc] = self.highest[ssrc] = number
            self.seen[ssrc] = 0
        high = self.highest[ssrc]
        index = high + ((number - high + 0x8000) & 0xFFFF) - 0x8000
        self.highest[ssrc] = max(high, index)
        self.first[ssrc] = min(self.first[ssrc], index)
        self.seen[ssrc] += 1

    def _turn_to(self, ssrc: int) -> None:
        self.settled = self.lost
        self.highest.clear()
        self.first.clear()
        self.seen.clear()
        self.present = ssrc

    @property
    def lost(self) -> int:
        return self.settled + sum(
            max(0, self.highest[s] - self.first[s] + 1 - self.seen[s]) for s in self.highest
        )


@dataclass
class TrackReading:
    """State while the segments of one track are read in order."""

    directory: Path
    clock: ClockMap
    headers: list[segment.SegmentHeader] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    last_ns: int | None = None  # wall time of the last record
    ended: str | None = None  # reason in the last footer, None when it is missing
    ended_ns: int | None = None  # wall time of that footer
    off: int | None = None  # ns by which the wall clock was off at the last record

    def gap(self, cause: str, since_ns: int, until_ns: int, **more: Any) -> None:
        self.gaps.append({"cause": cause, "from": utc_text(since_ns), "to": utc_text(until_ns), **more})

    def read_segment(self, path: Path) -> None:
        with segment.SegmentFile(path) as file:
            if file.header is not None:
                self.headers.append(file.header)
            entry = self._entry_of(file)
            changed = self._changed_before(entry, file.header)
            self._read_records(file, entry)
        if changed:
            at = self.last_ns or 0
            self.gap("changed_before_sealing", at, at, before_segment=entry["number"])
        self.entries.append(entry)

    def _changed_before(self, entry: dict[str, Any], header: segment.SegmentHeader | None) -> bool:
        """Is the segment before not the one that lay there when this one was begun?

        The header repeats its digest, so what was taken away, put in or changed before sealing shows.
        """
        before = self.entries[-1] if self.entries else None
        if entry["number"] != (before["number"] if before else 0) + 1:
            return True
        if header is None:  # It cannot be read.
            return False
        if header.after_fault and header.previous_sha256 is None:  # Nor could the disk before it then.
            return False
        return bool(entry["previous_sha256"] != (before["sha256"] if before else None))

    def _entry_of(self, file: segment.SegmentFile) -> dict[str, Any]:
        header = file.header
        return {
            "path": f"tracks/{self.directory.name}/{file.path.name}",
            "number": int(file.path.stem),
            "size": file.size,
            **digests(file.data),
            "previous_sha256": header.previous_sha256 if header else None,
            "boot_id": header.boot_id if header else None,
            "header_bytes": file.header_end,
            "records": 0,
            "packets": 0,
            "lost_packets": 0,
            "first_monotonic_ns": None,
            "last_monotonic_ns": None,
            "first_at": None,
            "last_at": None,
            "closed": None,
            "damaged": [],
        }

    def _read_records(self, file: segment.SegmentFile, entry: dict[str, Any]) -> None:
        loss, boot = LossCounter(), entry["boot_id"]
        before, self.ended = self.ended, None
        if file.header is not None:
            start = self.clock.wall_ns(boot, file.header.started_monotonic_ns, file.header.started_wall_ns)
            self.off = self.clock.differ(boot, start, file.header.started_wall_ns, self.off)
            if file.header.after_fault:
                self._continued(file.header, start)
            else:
                self._between(before, start, entry["number"])
        for item in file.items():
            if isinstance(item, segment.Damage):
                self._damage(entry, item)
                continue
            wall_ns = self.clock.wall_ns(boot, item.monotonic_ns, item.wall_ns)
            self.off = self.clock.differ(boot, wall_ns, item.wall_ns, self.off)
            self._record(entry, item, wall_ns)
            if item.kind == segment.RTP:
                loss.count(item.payload)
        entry["lost_packets"] = loss.lost
        entry["closed"] = self.ended

    def _between(self, ended: str | None, start_ns: int, number: int) -> None:
        """The time between two segments is a gap unless the journal rolled over in one act."""
        if self.last_ns is None or (ended == "rolled" and start_ns == self.ended_ns):
            return
        causes = {None: "worker_killed", "rolled": "not_continued"}
        cause = causes.get(ended, f"track_ended:{ended}")
        self.gap(cause, self.last_ns, start_ns, before_segment=number)
        self.last_ns = start_ns

    def end(self, stopped_ns: int) -> None:
        """Nothing came after the last segment: unless its writer meant it to, the rest is a gap."""
        if self.last_ns is not None and self.ended in INTERRUPTED and stopped_ns > self.last_ns:
            self.gap("not_resumed", self.last_ns, stopped_ns, after_segment=self.entries[-1]["number"])

    def _continued(self, header: segment.SegmentHeader, start_ns: int) -> None:
        """The same writer left the segment before; what it could not write would be a gap of its own."""
        self.marks.append(
            {
                "at": utc_text(start_ns),
                "number": header.segment,
                "type": "continued",
                "cause": header.after_fault,
            }
        )

    def _record(self, entry: dict[str, Any], record: segment.Record, wall_ns: int) -> None:
        entry["records"] += 1
        if entry["first_at"] is None:
            entry["first_at"], entry["first_monotonic_ns"] = utc_text(wall_ns), record.monotonic_ns
        entry["last_at"], entry["last_monotonic_ns"] = utc_text(wall_ns), record.monotonic_ns
        if record.kind == segment.FOOTER:
            self.ended = str(segment.parse_json(record.payload).get("reason") or "closed")
            self.ended_ns = wall_ns
        elif record.kind == segment.MARK:
            self._mark(entry, segment.parse_json(record.payload), wall_ns)
        else:
            entry["packets"] += record.kind == segment.RTP
            if self.last_ns is not None and wall_ns - self.last_ns > SILENCE_NS:
                self.gap("no_packets", self.last_ns, wall_ns, before_segment=entry["number"])
            self.last_ns = wall_ns

    def _mark(self, entry: dict[str, Any], content: dict[str, Any], wall_ns: int) -> None:
        if content.get("type") != "gap":
            self.marks.append({"at": utc_text(wall_ns), "number": entry["number"], **content})
            return
        since, until = content.get("from_monotonic_ns"), content.get("to_monotonic_ns")
        if isinstance(since, int) and isinstance(until, int):
            start_ns = self.clock.wall_ns(entry["boot_id"], since, wall_ns)
            end_ns = self.clock.wall_ns(entry["boot_id"], until, wall_ns)
            self.gap(str(content.get("cause")), start_ns, end_ns, dropped=content.get("dropped"))
            self.last_ns = end_ns

    def _damage(self, entry: dict[str, Any], damage: segment.Damage) -> None:
        entry["damaged"].append([damage.offset, damage.end])
        at = self.last_ns or 0
        cause = "torn_tail" if damage.tail else "damaged"
        self.gap(cause, at, at, segment=entry["number"], bytes=[damage.offset, damage.end])


def read_track(directory: Path, clock: ClockMap, stopped_ns: int | None = None) -> dict[str, Any]:
    """One track as it stands in the manifest, without the chain; ``stopped_ns`` as for ``read_tracks``."""
    reading = TrackReading(directory, clock)
    for path in segment.segment_paths(directory):
        reading.read_segment(path)
    if stopped_ns is not None:
        reading.end(stopped_ns)
    participant_id, _, source = directory.name.rpartition("-")
    header = reading.headers[-1] if reading.headers else None
    return {
        "directory": directory.name,
        "participant_id": participant_id,
        "source": source,
        "kind": header.kind if header else "unknown",
        "codec": header.codec if header else "unknown",
        "clock_rate": header.clock_rate if header else 0,
        "channels": header.channels if header else 0,
        "segments": reading.entries,
        "gaps": reading.gaps,
        "marks": reading.marks,
    }


def read_tracks(folder: Path, clock: ClockMap, stopped_ns: int | None = None) -> list[dict[str, Any]]:
    """All tracks with the running digest over all their segments in order.

    ``stopped_ns``: when the recording was stopped (wall time); what is missing up to then is a gap.
    """
    tracks = [read_track(directory, clock, stopped_ns) for directory in tracks_of(folder)]
    chain = CHAIN_START
    for track in tracks:
        for entry in track["segments"]:
            chain = chain_next(chain, entry["sha256"])
            entry["chain_sha256"] = chain
    return tracks
