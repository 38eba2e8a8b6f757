"""Sound: every microphone on its own timeline, mixed to one track that does not clip."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from recordings.film.depacketise import frames_of
from recordings.film.stream import ParticipantStreams, Stream

logger = logging.getLogger(__name__)

RATE = 48_000  # samples a second
LATE = 312  # samples by which decoded Opus is behind its RTP time: the pre-skip of RFC 7845 (6.5 ms)
STRAY = RATE // 1000  # samples by which a packet may be early or late before sound is stretched (1 ms)
STRETCH = 240  # one sample in so many is added or left out at most: 7 cents, which nobody hears
LEAP = RATE // 10  # samples after which stretching would take too long, and sound is moved at once (0.1 s)
BLOCK = RATE // 100  # samples over which the limiter may change its gain (10 ms)
PEAK = 0.95
RECOVERY = 0.01  # gain regained in each block after a loud one: full in a second

Samples = NDArray[np.float32]


class Voice:
    """The decoded sound of one stream, read forwards."""

    def __init__(self, streams: ParticipantStreams, stream: Stream) -> None:
        self._parts = self._place(streams, stream)
        self._waiting: tuple[int, Samples] | None = next(self._parts, None)

    def _place(self, streams: ParticipantStreams, stream: Stream) -> Iterator[tuple[int, Samples]]:
        """(first sample, samples): packets that follow each other in RTP time stay seamless.

        A sound card that is faster or slower than the server's clock has its sound stretched a little.
        """
        cursor, following = 0, None
        for at, timestamp, samples in _decode(streams, stream):
            start, length = round(at * RATE) - LATE, len(samples)
            seamless = following is not None and abs(timestamp - following) <= STRAY
            if seamless and abs(start - cursor) <= LEAP:
                samples, start = _stretched(samples, start - cursor), cursor
            elif following is not None and start < cursor:
                samples, start = samples[cursor - start :], cursor
            cursor, following = start + len(samples), timestamp + length
            yield start, samples

    def add_to(self, mix: Samples, start: int) -> None:
        """Add what is heard from sample ``start`` on; calls go forwards in time."""
        end = start + len(mix)
        while self._waiting is not None and self._waiting[0] < end:
            first, samples = self._waiting
            if first < start:
                samples, first = samples[start - first :], start
            count = min(len(samples), end - first)
            mix[first - start : first - start + count] += samples[:count]
            rest = samples[count:]
            self._waiting = (first + count, rest) if len(rest) else next(self._parts, None)


def _stretched(samples: Samples, late: int) -> Samples:
    """The samples of a packet that is to end nearer to where it should; ``late`` is positive where the sound
    so far is too short."""
    most = len(samples) // STRETCH
    more = max(-most, min(most, late)) if abs(late) > STRAY else 0
    if not more:
        return samples
    places = np.linspace(0, len(samples) - 1, len(samples) + more)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def _decode(streams: ParticipantStreams, stream: Stream) -> Iterator[tuple[float, int, Samples]]:
    """(time in seconds, RTP time, mono samples) of each packet."""
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.layout = "mono"  # libopus mixes both sides itself
    for coded in frames_of(stream.codec, streams.packets(stream)):
        try:
            frames = decoder.decode(av.Packet(coded.data))
        except av.FFmpegError as error:
            logger.debug("A sound packet cannot be decoded: %s", error)
            continue
        for frame in frames:
            yield coded.at, coded.timestamp, _mono(frame)


def _mono(frame: av.AudioFrame) -> Samples:
    if frame.format.name in ("s16", "s16p") and frame.layout.nb_channels == 1:
        # What libopus gives for mono: fifty packets a second of everybody are worth a short way.
        whole = np.frombuffer(frame.planes[0], dtype=np.int16, count=frame.samples)  # type: ignore[call-overload]
        return np.asarray(whole * np.float32(1 / 32768.0), dtype=np.float32)
    samples = frame.to_ndarray()
    if samples.dtype == np.int16:
        samples = samples.astype(np.float32) / 32768.0
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    return np.asarray(samples[0] if len(samples) == 1 else samples.mean(axis=0), dtype=np.float32)


class Mixer:
    """Sums the voices; a limiter with one chunk of look-ahead keeps peaks below full scale."""

    def __init__(self, voices: list[Voice], chunk: int = RATE) -> None:
        self._voices = voices
        self._chunk = chunk
        self._start = 0
        self._ahead = self._sum()
        self._gain = 1.0

    def _sum(self) -> Samples:
        mix = np.zeros(self._chunk, dtype=np.float32)
        for voice in self._voices:
            voice.add_to(mix, self._start)
        self._start += self._chunk
        return mix

    def read(self) -> Samples:
        """The next chunk of mono samples within -PEAK..PEAK."""
        now, self._ahead = self._ahead, self._sum()
        limits = np.concatenate([block_limits(now), block_limits(self._ahead)[:1]])
        nodes = [self._gain]
        for this, following in zip(limits[:-1], limits[1:], strict=True):
            nodes.append(float(min(this, following, nodes[-1] + RECOVERY)))
        # The first node was already at most the first limit when the chunk before ended.
        nodes[0] = float(min(nodes[0], limits[0]))
        self._gain = nodes[-1]
        places = np.arange(len(nodes)) * BLOCK
        return now * np.interp(np.arange(len(now)), places, nodes).astype(np.float32)


def block_limits(mix: Samples) -> NDArray[np.float64]:
    """The gain that each block of BLOCK samples can bear."""
    peaks = np.abs(mix.reshape(-1, BLOCK)).max(axis=1).astype(np.float64)
    return np.asarray(np.minimum(1.0, PEAK / np.maximum(peaks, 1e-9)), dtype=np.float64)
