"""Real VP8 and Opus to send: made once, small, repeated for ever."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np

FRAMES, FPS = 20, 10
SAMPLES, RATE = 960, 48_000


@lru_cache
def pictures(width: int, height: int, colour: int) -> tuple[bytes, ...]:
    """Two seconds of a moving stripe; the first is a key frame and the only one."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), FPS
    encoder.bit_rate, encoder.gop_size = 60_000, FRAMES
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets: list[bytes] = []
    for number in range(FRAMES):
        image = np.full((height, width, 3), 40 + 50 * (colour % 4), np.uint8)
        image[:, number * width // FRAMES :][:, : width // 16] = 255
        frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


@lru_cache
def sounds(number: int) -> tuple[bytes, ...]:
    """A second of a tone in frames of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.bit_rate, encoder.time_base = 24_000, Fraction(1, RATE)
    packets: list[bytes] = []
    for count in range(50):
        moments = (count * SAMPLES + np.arange(SAMPLES)) / RATE
        wave = (8000 * np.sin(2 * math.pi * (300 + 100 * number) * moments)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = count * SAMPLES, RATE, Fraction(1, RATE)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)
