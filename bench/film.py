"""A long film in no time: ten seconds are coded once and repeated, with the key frames of a composition."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

GROUP = 10  # seconds that are coded
KEY_SECONDS = 2
RATE = 48_000
# As recordings/film/composition.py: the index first, sound and picture by turns of a second.
OPTIONS = {"movflags": "+faststart", "chunk_duration": "1000000"}


def write_film(
    path: Path, seconds: int, size: tuple[int, int] = (160, 90), fps: int = 5, sound: bool = False
) -> None:
    """MP4 that begins with its index: H.264, and AAC where there is `sound`. `size` in pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        av.open(_coded_group(size, fps, sound)) as source,
        av.open(str(path), "w", format="mp4", options=OPTIONS) as output,
    ):
        streams = [(stream, output.add_stream_from_template(stream)) for stream in source.streams]
        coded: dict[int, list[tuple[bytes, bool]]] = {stream.index: [] for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                coded[packet.stream.index].append((bytes(packet), packet.is_keyframe))
        for second in range(seconds):
            for given, made in streams:
                rate, step = (fps, 1) if given.type == "video" else (RATE, 1024)
                first, last = (-(-each * rate // step) for each in (second, second + 1))
                for number in range(first, last):
                    output.mux(_repeated(coded[given.index], number, made, step, rate))


def _repeated(
    coded: list[tuple[bytes, bool]], number: int, stream: av.stream.Stream, step: int, rate: int
) -> av.Packet:
    data, key = coded[number % len(coded)]
    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, Fraction(1, rate)
    packet.pts = packet.dts = number * step
    packet.duration, packet.is_keyframe = step, key
    return packet


def _coded_group(size: tuple[int, int], fps: int, sound: bool) -> io.BytesIO:
    group = io.BytesIO()
    options = {"preset": "veryfast", "crf": "25", "bf": "0", "g": str(KEY_SECONDS * fps), "sc_threshold": "0"}
    width, height = size
    still = np.random.default_rng(1).integers(0, 255, (height // 80 + 1, width // 80 + 1, 3), dtype=np.uint8)
    wall = np.repeat(np.repeat(still, 80, 0), 80, 1)[:height, :width]
    with av.open(group, "w", format="mp4") as output:
        video = output.add_stream("libx264", rate=fps, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = output.add_stream("aac", rate=RATE) if sound else None
        if audio is not None:
            audio.layout = "mono"
            for number in range(GROUP * RATE // 1024):
                tone = 0.1 * np.sin(np.arange(number * 1024, number * 1024 + 1024) * 2 * np.pi * 220 / RATE)
                samples = tone.astype("float32").reshape(1, -1)
                heard = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                heard.sample_rate, heard.pts = RATE, number * 1024
                output.mux(audio.encode(heard))
            output.mux(audio.encode(None))
        for number in range(GROUP * fps):
            picture = wall.copy()
            left = number * 8 % (width // 2)
            picture[: height // 2, left : left + width // 4] = 60 + number % 120
            output.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(video.encode(None))
    group.seek(0)
    return group
