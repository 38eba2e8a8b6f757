"""Catalogue: which tracks lie in a recording folder and when each of its segments was written.

Read from the headers of the segments, so that it is there before anything is sealed. One participant's source
in one codec is one track here: a browser decodes a track with one decoder.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from recordings.capture import segment
from recordings.capture.journal import tracks_of
from recordings.evidence.clock_jumps import wall_ns
from recordings.evidence.inventory import ClockMap
from recordings.evidence.manifest import MANIFEST_FILE

PLAYED = {"opus": "opus", "vp8": "VP8", "h264": "H264"}  # what a header says, in small letters
SOURCES = ("camera", "screen", "microphone")
MOST_TRACKS = 200
TAILS = (1 << 14, 1 << 18)  # bytes before the end of a file, in which its last record is looked for


class Stretch(NamedTuple):
    """One segment: from ``start`` to ``end``, seconds of the recording."""

    path: Path
    start: float
    end: float


@dataclass(frozen=True)
class Track:
    """One source of one participant in one codec: 'opus', 'VP8' or 'H264'."""

    number: int
    participant_id: str
    source: str
    codec: str
    stretches: tuple[Stretch, ...]

    @property
    def start(self) -> float:
        return self.stretches[0].start

    @property
    def end(self) -> float:
        return self.stretches[-1].end


@dataclass(frozen=True)
class Catalogue:
    """``origin_ns`` is second 0, wall time; ``seconds`` the end of the last record; both of one clock."""

    folder: Path
    origin_ns: int
    clock: ClockMap
    tracks: tuple[Track, ...]

    @property
    def seconds(self) -> float:
        return max((track.end for track in self.tracks), default=0.0)

    def of(self, participant_id: str) -> list[Track]:
        return [track for track in self.tracks if track.participant_id == participant_id]


def read_catalogue(folder: Path, started_at: datetime) -> Catalogue:
    """Every playable track, in a fixed order. A sealed folder's are those its manifest names.

    Blocks. Raises OSError.
    """
    clock, found, named = ClockMap(), defaultdict[tuple[str, str, str], list[Path]](list), _named(folder)
    headers: dict[Path, segment.SegmentHeader] = {}
    for directory in tracks_of(folder):
        participant_id, _, source = directory.name.rpartition("-")
        codec = ""
        for path in segment.segment_paths(directory):
            if named is not None and f"tracks/{directory.name}/{path.name}" not in named:
                continue
            header = _header(path)
            if header is not None:
                clock.learn(header)
                headers[path], codec = header, PLAYED.get(header.codec.lower(), "")
            # Where a header is damaged, what came before it mostly went on.
            if codec and source in SOURCES:
                found[participant_id, source, codec].append(path)
    origin = wall_ns(started_at)
    tracks: list[Track] = []
    for (participant_id, source, codec), paths in sorted(found.items())[:MOST_TRACKS]:
        stretches = _stretches(paths, headers, clock, origin)
        if stretches:
            tracks.append(Track(len(tracks), participant_id, source, codec, stretches))
    return Catalogue(folder, origin, clock, tuple(tracks))


def _named(folder: Path) -> set[str] | None:
    """Paths of the manifest; None without one that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        return {entry["path"] for track in manifest["tracks"] for entry in track["segments"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _header(path: Path) -> segment.SegmentHeader | None:
    with path.open("rb") as file:
        return segment.parse_header(file.read(segment.HEADER_CEILING + 64))[0]


def _stretches(
    paths: list[Path], headers: dict[Path, segment.SegmentHeader], clock: ClockMap, origin: int
) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for path in paths:
        header = headers.get(path)
        last = _last_ns(path, clock, header)
        if last is None:
            continue
        end = (last - origin) / 1e9
        start = found[-1].end if found else 0.0
        if header is not None:
            began = clock.wall_ns(header.boot_id, header.started_monotonic_ns, header.started_wall_ns)
            start = (began - origin) / 1e9
        found.append(Stretch(path, start, max(start, end)))
    return tuple(found)


def _last_ns(path: Path, clock: ClockMap, header: segment.SegmentHeader | None) -> int | None:
    """When the last whole record was written, wall time; None where there is none at all."""
    boot = header.boot_id if header else None
    with segment.SegmentFile(path) as file:
        tails = (max(file.header_end, file.size - tail) for tail in TAILS)
        for since in dict.fromkeys((*tails, file.header_end)):
            last = None
            for item in segment.scan(file.data, since):
                last = item if isinstance(item, segment.Record) else last
            if last is not None:
                return clock.wall_ns(boot, last.monotonic_ns, last.wall_ns)
    return None
