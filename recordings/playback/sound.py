"""Sound: Opus packets of a track placed one behind the other, so that no player stumbles or drifts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from recordings.film.depacketise import OPUS_RATE, Frame

# Frames of 2.5, 5, 10, 20, 40, 60 ms by configuration (RFC 6716 section 3.1, table 2).
SILK, HYBRID, CELT = (0.01, 0.02, 0.04, 0.06), (0.01, 0.02), (0.0025, 0.005, 0.01, 0.02)
SILENT = b"\xf8\xff\xfe"  # 20 ms in which nothing is heard
SILENT_SECONDS = 0.02
LONGEST = 0.12  # RFC 6716 section 3.2.5
# Packets that follow each other stay seamless until they are off by so much (as lips are read).
STRAY = 0.01
HOLE = 3.0  # seconds without a packet that are a gap; shorter ones are silence


class Sound(NamedTuple):
    """One Opus packet from ``at`` for ``length`` seconds of the recording; ``arrival`` is when it came."""

    at: float
    length: float
    data: bytes
    arrival: float


def opus_seconds(data: bytes) -> float:
    """How long an Opus packet is (RFC 6716 section 3.1); 0 for one that is none."""
    if not data:
        return 0.0
    configuration, code = data[0] >> 3, data[0] & 0x03
    lengths = SILK if configuration < 12 else HYBRID if configuration < 16 else CELT
    frame = lengths[configuration % len(lengths)]
    count = (1, 2, 2)[code] if code < 3 else (data[1] & 0x3F if len(data) > 1 else 0)
    seconds = frame * count
    return seconds if seconds <= LONGEST + 1e-9 else 0.0


def voice_of(frames: Iterable[Frame]) -> Iterator[Sound]:
    """Packets in the order of their streams; what is missing for less than a gap is silence."""
    end, following, came = float("-inf"), None, 0.0
    for frame in frames:
        length = opus_seconds(frame.data)
        if not length:
            continue
        came = max(came, frame.arrival)
        seamless = following is not None and abs(frame.timestamp - following) <= 1
        at = end if seamless and abs(frame.at - end) <= STRAY else frame.at
        if at < end - STRAY:
            continue  # Said twice: of two streams at once the later one goes on where the other ends.
        at = max(at, end)
        while at - end > SILENT_SECONDS / 2 and at - end < HOLE:
            yield Sound(end, SILENT_SECONDS, SILENT, came)
            end += SILENT_SECONDS
        yield Sound(at, length, frame.data, came)
        end, following = at + length, frame.timestamp + round(length * OPUS_RATE)
