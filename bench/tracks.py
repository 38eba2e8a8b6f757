"""Long tracks in no time: a few seconds of four parties are coded once and repeated, packet by packet.

They are whole for FULL seconds and then thinned out: what opens a recording reads the headers and the last
records of all its segments, but the packets of its own moment alone.
"""

import struct
from datetime import datetime
from pathlib import Path

from bench.reel import FPS, PEOPLE, coded_pictures, coded_sounds, parts_of
from recordings.capture import segment
from recordings.capture.journal import Disk, TrackIdentity, TrackJournal

GROUP = 4  # seconds that are coded, and between two key frames
FULL = 60  # seconds, more than a window with its margins
THIN = 2  # seconds between two frames after them; three without any would be a gap
SOUNDS = 50  # a second
_MONOTONIC_NS = 5_000_000_000_000


def write_tracks(folder: Path, began: datetime, seconds: int) -> None:
    """Camera and microphone of each of PEOPLE, as a recorder of a live room writes them."""
    start_ns = round(began.timestamp() * 1e9)
    for place in range(len(PEOPLE)):
        pictures, sounds = coded_pictures("heads", place, GROUP * FPS), coded_sounds(place, GROUP * SOUNDS)
        _write(folder, place, "camera", list(pictures), start_ns, seconds)
        _write(folder, place, "microphone", list(sounds), start_ns, seconds)


def _write(folder: Path, place: int, source: str, coded: list[bytes], start_ns: int, seconds: int) -> None:
    video = source == "camera"
    kind, codec, rate, payload = ("video", "VP8", 90_000, 96) if video else ("audio", "opus", 48_000, 111)
    owner, ssrc, each_second = PEOPLE[place][0], 0x1000 * (1 + video) + place, FPS if video else SOUNDS
    identity = TrackIdentity("bench", owner, source, kind, codec, rate, 0 if video else 2, payload, "")
    journal, number, step = TrackJournal(folder, identity, Disk()), 0, rate // each_second
    for count in range(seconds * each_second):
        at = count * 1_000_000_000 // each_second
        if count >= FULL * each_second and count % (THIN * each_second):
            continue
        data = coded[count % len(coded)]
        for part, last in parts_of(data, count) if video else ((data, False),):
            stamp = count * step & 0xFFFFFFFF
            header = struct.pack("!BBHII", 0x80, payload | last << 7, number, stamp, ssrc)
            journal.append(segment.RTP, _MONOTONIC_NS + at, start_ns + at, header + part)
            number = (number + 1) & 0xFFFF
        if count % each_second == 0:
            journal.drain(_MONOTONIC_NS + at, start_ns + at)
    journal.finish(_MONOTONIC_NS + at, start_ns + at, "session closed")
