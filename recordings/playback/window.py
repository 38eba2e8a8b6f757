"""Window: the coded frames of one participant for twenty seconds of a recording, with their times.

Only that part of the journals is read: places in a file are found by halving it, as records lie in the order
in which they came. Times are those of the film (recordings.film.stream), from the packets around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from media.keyframe import begins_key_frame
from media.orientation import rotation_of
from media.rtp import RtpError, parse_packet
from recordings.capture import segment
from recordings.film.depacketise import OPUS_RATE, Frame, frames_of
from recordings.film.stream import ParticipantStreams, Stream, Within
from recordings.playback.catalogue import Catalogue, Track
from recordings.playback.sound import voice_of

PIECE = 10.0  # seconds
PIECES = 2  # in a window
WINDOW = PIECE * PIECES
MARGIN = 15.0  # seconds read before and after, from which the sender's clock is known
NEAR = 1 << 16  # bytes; so near a place is found by reading on
# Seconds before a window in which the key frame of its first picture is looked for, step by step.
REACHES = (MARGIN, 45.0, 240.0)
HOLE = 3.0  # seconds without a picture that are a gap (as in the manifest), and not a picture that stands
LAST = 0.1  # seconds for which a picture is shown that none follows
LEAST = 0.001
PICTURE_RATE = 90_000  # of every video codec (RFC 7741, RFC 6184)


class Shot(NamedTuple):
    """One coded frame as it is played: from ``at`` for ``length`` seconds of the recording.

    ``piece`` is the number of the piece it belongs to, told by when it came and by nothing that is computed,
    so that two windows agree on it. ``turn``: degrees clockwise, as this frame and those after it stand.
    """

    at: float
    length: float
    data: bytes
    key: bool
    piece: int
    turn: int = 0


@dataclass(frozen=True)
class Window:
    """Shots of each track of one participant, in order, by the track's number."""

    number: int
    shots: dict[int, tuple[Shot, ...]]

    @property
    def size(self) -> int:
        """Bytes of all frames."""
        return sum(len(shot.data) for shots in self.shots.values() for shot in shots)


def read_window(catalogue: Catalogue, participant_id: str, number: int) -> Window:
    """Window ``number`` of a participant, from ``number * WINDOW`` seconds on. Blocks. Raises OSError."""
    since, until = number * WINDOW, (number + 1) * WINDOW
    streams = ParticipantStreams(catalogue.clock, catalogue.origin_ns)
    tracks = catalogue.of(participant_id)
    by_source: dict[str, list[Track]] = {}
    for track in tracks:
        by_source.setdefault(track.source, []).append(track)
    try:
        for source, parts in by_source.items():
            begin = since - MARGIN
            if source != "microphone":
                begin = min(begin, *(_key_before(catalogue, part, since) for part in parts))
            paths = sorted(_paths(parts, begin, until + MARGIN))
            rate = OPUS_RATE if parts[0].codec == "opus" else PICTURE_RATE
            told = {"codec": parts[0].codec, "clock_rate": rate}
            streams.read(source, paths, told, _between(catalogue, begin, until + MARGIN))
        streams.settle()
        return Window(number, {track.number: _shots(streams, track, until) for track in tracks})
    finally:
        streams.close()


def _paths(parts: list[Track], begin: float, end: float) -> set[Path]:
    return {
        stretch.path
        for part in parts
        for stretch in part.stretches
        if stretch.start < end and stretch.end >= begin
    }


def _between(catalogue: Catalogue, begin: float, end: float) -> Within:
    return lambda file: records_between(file, _time_in(catalogue, file), begin, end)


def _time_in(catalogue: Catalogue, file: segment.SegmentFile) -> Callable[[segment.Record], float]:
    boot = file.header.boot_id if file.header else None

    def seconds(record: segment.Record) -> float:
        wall = catalogue.clock.wall_ns(boot, record.monotonic_ns, record.wall_ns)
        return (wall - catalogue.origin_ns) / 1e9

    return seconds


def records_between(
    file: segment.SegmentFile, time_of: Callable[[segment.Record], float], begin: float, end: float
) -> Iterator[segment.Record]:
    """Whole records that came from ``begin`` until ``end``, seconds; what is damaged is left out."""
    low, high = file.header_end, file.size
    while high - low > NEAR:
        middle = (low + high) // 2
        found = next(
            (item for item in segment.scan(file.data, middle) if isinstance(item, segment.Record)), None
        )
        if found is not None and time_of(found) < begin:
            low = found.offset
        else:
            high = middle
    for item in segment.scan(file.data, low):
        if isinstance(item, segment.Record):
            at = time_of(item)
            if at >= end:
                return
            if at >= begin:
                yield item


def _key_before(catalogue: Catalogue, track: Track, at: float) -> float:
    """When the last key frame came that a picture of second ``at`` is made from; ``at`` if there is none."""
    until = at
    for reach in REACHES:
        found = None
        for path in sorted(_paths([track], at - reach, until)):
            with segment.SegmentFile(path) as file:
                seconds = _time_in(catalogue, file)
                for record in records_between(file, seconds, at - reach, until):
                    if record.kind == segment.RTP and _is_key(track.codec, record.payload):
                        found = seconds(record)
        if found is not None:
            return found - LEAST
        until = at - reach
    return at


def _is_key(codec: str, data: bytes) -> bool:
    try:
        return begins_key_frame(codec, parse_packet(data).payload)
    except RtpError:
        return False


def _shots(streams: ParticipantStreams, track: Track, until: float) -> tuple[Shot, ...]:
    """Those of one track up to the end of the window; ones before its beginning lead to its first."""
    own = [each for each in streams.streams(track.source) if each.codec.upper() == track.codec.upper()]
    of_streams = [_frames(streams, stream) for stream in own]
    last = round(until / PIECE)
    if track.codec == "opus":
        frames = (frame for frames in of_streams for frame in frames)
        return tuple(
            Shot(sound.at, sound.length, sound.data, True, int(sound.arrival // PIECE))
            for sound in voice_of(frames)
            if sound.arrival // PIECE < last
        )
    return tuple(shot for shot in _pictures(of_streams) if shot.piece < last)


def _frames(streams: ParticipantStreams, stream: Stream) -> list[Frame]:
    return list(frames_of(stream.codec, streams.packets(stream)))


def _pictures(of_streams: list[list[Frame]]) -> Iterator[Shot]:
    """One after the other: where a later stream begins, the one before it is over."""
    waiting: Shot | None = None
    turn = 0
    begins = [frames[0].at for frames in of_streams if frames] + [float("inf")]
    came = 0.0
    for place, frames in enumerate(frames for frames in of_streams if frames):
        for frame in frames:
            if frame.at >= begins[place + 1]:
                break
            turn = turn if frame.orientation is None else rotation_of(frame.orientation)
            came = max(came, frame.arrival)
            at = frame.at if waiting is None else max(frame.at, waiting.at + LEAST)
            if waiting is not None:
                length = at - waiting.at
                gone = length > HOLE and frame.key
                yield waiting._replace(length=LAST if gone else length)
            waiting = Shot(at, LAST, frame.data, frame.key, int(came // PIECE), turn)
    if waiting is not None:
        yield waiting
