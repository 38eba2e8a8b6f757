"""Composition: one MP4 (H.264 and AAC, index in front) of a sealed recording folder.

Everything is taken from the folder: the manifest says who, when and where, the segments hold what.
recordings.film.stage draws the pictures; recordings.film.encoder runs this in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from av.video.frame import PictureType

from recordings.capture.journal import file_sha256
from recordings.evidence.clock_jumps import steady
from recordings.evidence.inventory import read_clock_map
from recordings.evidence.manifest_shape import read_manifest
from recordings.film.captions import find_font
from recordings.film.colour import BT709, LIMITED
from recordings.film.plan import CompositionPlan, Span, span_of
from recordings.film.playable import Unplayable, play_through
from recordings.film.sound import RATE, Mixer, Voice
from recordings.film.stage import Stage
from recordings.film.stream import ParticipantStreams

LENGTH_TOLERANCE = 1.0  # seconds
# The index comes first; sound and picture take turns second by second: each turn has entries in the index.
MP4 = {"movflags": "+faststart", "chunk_duration": "1000000"}
KEY_SECONDS = 4  # where little changes, pictures are few; a seek still begins this near

Progress = Callable[[float], None]


class Composition:
    """One run over one folder. ``close`` releases the mapped segments."""

    def __init__(self, folder: Path, plan: CompositionPlan) -> None:
        self._plan = plan
        self._manifest = steady(read_manifest(folder))
        self.span = span_of(self._manifest)
        self._streams = _read_streams(folder, self._manifest, self.span)
        self._stage = Stage(folder, self._manifest, self.span, self._streams, plan)
        voices = [
            Voice(streams, stream)
            for streams in self._streams.values()
            for stream in streams.streams("microphone")
        ]
        self._mixer = Mixer(voices)
        self._keyed, self._since_key = 0, 0  # number of the last key frame, pictures coded from it on
        self._key_pictures = 2 * plan.fps

    def still(self) -> av.VideoFrame:
        """The first picture."""
        self._stage.paint(0.0)
        return self._stage.canvas.frame(0)

    def write(self, path: Path, progress: Progress) -> None:
        """Encode the whole span to ``path``; ``progress`` hears numbers from 0 to 1."""
        with av.open(str(path), "w", format="mp4", options=MP4) as output:
            video, audio = self._open_video(output), self._open_audio(output)
            total = max(1, round(self.span.seconds * self._plan.fps))
            samples_total = round(total / self._plan.fps * RATE)
            sent = 0
            for number in range(total):
                at = number / self._plan.fps
                while sent <= at * RATE and sent < samples_total:
                    sent += self._write_sound(output, audio, sent, samples_total)
                self._stage.paint(at)
                # A picture stands until the next one, so one that did not change need not be coded.
                if self._stage.canvas.changed or number == total - 1:
                    output.mux(video.encode(self._next_frame(number)))
                if number % self._plan.fps == 0:
                    progress(number / total)
            output.mux(video.encode(None))
            output.mux(audio.encode(None))
        progress(1.0)

    def _next_frame(self, number: int) -> av.VideoFrame:
        """The canvas as a picture of the film; a key frame where the last one is KEY_SECONDS old.

        The coder makes one by itself after so many pictures; asking for those as well makes films larger.
        """
        frame = self._stage.canvas.frame(number)
        if self._since_key >= self._key_pictures:
            self._keyed, self._since_key = number, 0
        elif number - self._keyed >= KEY_SECONDS * self._plan.fps:
            self._keyed, self._since_key, frame.pict_type = number, 0, PictureType.I
        self._since_key += 1
        return frame

    def _open_video(self, output: av.container.OutputContainer) -> av.VideoStream:
        plan = self._plan
        options = {
            "preset": plan.preset,
            "crf": str(plan.crf),
            "g": str(self._key_pictures),
            "forced-idr": "1",
        }
        stream = output.add_stream("libx264", rate=plan.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = plan.width, plan.height, "yuv420p"
        stream.codec_context.thread_count = plan.threads
        coder = stream.codec_context
        coder.colorspace = coder.color_primaries = coder.color_trc = BT709
        coder.color_range = LIMITED
        return stream

    def _open_audio(self, output: av.container.OutputContainer) -> av.AudioStream:
        stream = output.add_stream("aac", rate=RATE)
        stream.layout = "mono"
        stream.bit_rate = self._plan.audio_bit_rate
        return stream

    def _write_sound(
        self, output: av.container.OutputContainer, audio: av.AudioStream, sent: int, total: int
    ) -> int:
        samples = self._mixer.read()[: total - sent]
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, sent
        output.mux(audio.encode(frame))
        return len(samples)

    def close(self) -> None:
        for streams in self._streams.values():
            streams.close()


def _read_streams(folder: Path, manifest: dict[str, Any], span: Span) -> dict[str, ParticipantStreams]:
    clock = read_clock_map(folder)
    found: dict[str, ParticipantStreams] = {}
    for track in manifest["tracks"]:
        owner = track["participant_id"]
        streams = found.setdefault(owner, ParticipantStreams(clock, span.start_ns))
        streams.read(track["source"], [folder / entry["path"] for entry in track["segments"]], track)
    for streams in found.values():
        streams.settle()
    return found


class CompositionFlawed(Exception):
    """The film was written and is not what it should be."""


def compose(folder: Path, out: Path, plan: CompositionPlan, progress: Progress) -> dict[str, Any]:
    """Write the composed MP4 of a sealed folder to ``out`` and look at it once more.

    Raises ValueError, also for a manifest that nothing can be made from, CompositionFlawed, OSError.
    Returns what the statement about the film says: duration in ms, size in bytes, digest, format.
    """
    composition = Composition(folder, plan)
    try:
        composition.write(out, progress)
    finally:
        composition.close()
    stated = inspect_film(out, composition.span.seconds)
    return {**stated, "chinese_font": find_font(plan.font) is not None}


def inspect_film(path: Path, seconds: float) -> dict[str, Any]:
    """Duration, size and digest; CompositionFlawed when it does not play to its end or has a wrong length."""
    try:
        play_through(path, seconds)
    except Unplayable as error:
        raise CompositionFlawed(str(error)) from error
    with av.open(str(path)) as film:
        duration = (film.duration or 0) / av.time_base
    if abs(duration - seconds) > LENGTH_TOLERANCE:
        raise CompositionFlawed(f"{duration:.2f} s long instead of {seconds:.2f} s")
    return {
        "duration_ms": round(duration * 1000),
        "size": path.stat().st_size,
        "sha256": file_sha256(path),
        "video_codec": "H.264",
        "audio_codec": "AAC",
    }
