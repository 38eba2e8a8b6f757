"""Composition: one MP4 (H.264 and AAC, index in front) of a sealed recording folder.

Everything is taken from the folder: the manifest says who, when and where, the segments hold what.
It is run by recordings.encoder in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import av
from av.video.frame import PictureType

from recordings.capture.journal import file_sha256
from recordings.evidence.clock_jumps import steady
from recordings.evidence.inventory import read_clock_map
from recordings.evidence.manifest import moment_ns
from recordings.evidence.manifest_shape import read_manifest
from recordings.film.canvas import BLACK, Canvas
from recordings.film.captions import Lettering, find_font
from recordings.film.colour import BT709, LIMITED
from recordings.film.direction import SESSION, Direction, Large
from recordings.film.layout import TITLE_HEIGHT, Box, Tile, arrange
from recordings.film.pauses import deliberations_of, pauses_of
from recordings.film.picture import DELIBERATION, PAUSED, TilePainter
from recordings.film.sound import RATE, Mixer, Voice
from recordings.film.stream import ParticipantStreams
from recordings.film.veils import CARD, veils_of, without_names

BEIJING = timezone(timedelta(hours=8))
CLOCK_WIDTH = 340
SMALLEST = (640, 360)
LONGEST_SECONDS = 24 * 3600
LENGTH_TOLERANCE = 1.0  # seconds
# The index comes first; sound and picture take turns second by second: each turn has entries in the index.
MP4 = {"movflags": "+faststart", "chunk_duration": "1000000"}
KEY_SECONDS = 4  # where little changes, pictures are few; a seek still begins this near

Progress = Callable[[float], None]


@dataclass(frozen=True)
class CompositionPlan:
    """Size in pixels (even), most pictures a second, x264 preset and quality, encoder threads, font file."""

    width: int = 1280
    height: int = 720
    fps: int = 15
    preset: str = "veryfast"
    crf: int = 25
    threads: int = 1
    audio_bit_rate: int = 96_000
    font: str = ""
    layout: str = SESSION  # of recordings.direction
    spotlight: str = ""  # who is large in that layout, by id or name

    def __post_init__(self) -> None:
        if self.width < SMALLEST[0] or self.height < SMALLEST[1] or self.width % 2 or self.height % 2:
            raise ValueError("the film is at least 640x360 and even in both directions")


@dataclass(frozen=True)
class Span:
    """The recording from its start to its stop, nanoseconds of wall time."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        return max(0.0, min((self.end_ns - self.start_ns) / 1e9, LONGEST_SECONDS))


class Composition:
    """One run over one folder. ``close`` releases the mapped segments."""

    def __init__(self, folder: Path, plan: CompositionPlan) -> None:
        self._plan = plan
        self._lettering = Lettering(plan.font)
        self._manifest = steady(read_manifest(folder))
        self.span = span_of(self._manifest)
        self._pauses = [
            (span, words)
            for words, spans_of in ((DELIBERATION, deliberations_of), (PAUSED, pauses_of))
            for span in spans_of(self._manifest, self.span.start_ns, self.span.seconds)
        ]
        self._veils = veils_of(self._manifest, self.span.start_ns, self.span.seconds)
        self._direction = Direction(self._manifest, self.span.start_ns, plan.layout, plan.spotlight)
        self._large: Large | None = None
        self._streams = _read_streams(folder, self._manifest, self.span)
        self._canvas = Canvas(plan.width, plan.height)
        self._painters: dict[tuple[str, str], TilePainter] = {}
        self._visible: list[TilePainter] = []
        self._draw_title()
        self._place_tiles()
        voices = [
            Voice(streams, stream)
            for streams in self._streams.values()
            for stream in streams.streams("microphone")
        ]
        self._mixer = Mixer(voices)
        self._clock_second = -1
        self._keyed, self._since_key = 0, 0  # number of the last key frame, pictures coded from it on
        self._key_pictures = 2 * plan.fps

    def _draw_title(self) -> None:
        plan, recording = self._plan, self._manifest["recording"]
        title = f"{recording.get('petition_number') or ''}  {recording.get('title') or ''}".strip()
        width = plan.width - CLOCK_WIDTH
        self._canvas.paste(self._lettering.bar(title, width, TITLE_HEIGHT), Box(0, 0, width, TITLE_HEIGHT))

    def _place_tiles(self) -> None:
        """Everybody at their place, with a document or a person on the stage or without."""
        plan, sources = self._plan, sources_of(self._manifest)
        people = without_names(everybody(self._manifest, sources), self._veils)
        self._canvas.fill(Box(0, TITLE_HEIGHT, plan.width, plan.height - TITLE_HEIGHT), BLACK)
        tiles = arrange(people, sources, plan.width, plan.height, *(self._large or ()))
        self._visible = [self._painter(tile) for tile in tiles]

    def _painter(self, tile: Tile) -> TilePainter:
        key = (tile.participant_id, tile.source)
        if key in self._painters:
            self._painters[key].place(tile)
        else:
            streams = self._streams[tile.participant_id]
            self._painters[key] = TilePainter(self._canvas, tile, streams, self._lettering)
        return self._painters[key]

    def still(self) -> av.VideoFrame:
        """The first picture."""
        self._paint(0.0)
        return self._canvas.frame(0)

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
                self._paint(at)
                # A picture stands until the next one, so one that did not change need not be coded.
                if self._canvas.changed or number == total - 1:
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
        frame = self._canvas.frame(number)
        if self._since_key >= self._key_pictures:
            self._keyed, self._since_key = number, 0
        elif number - self._keyed >= KEY_SECONDS * self._plan.fps:
            self._keyed, self._since_key, frame.pict_type = number, 0, PictureType.I
        self._since_key += 1
        return frame

    def _paint(self, at: float) -> None:
        second = int((self.span.start_ns + int(at * 1e9)) // 1_000_000_000)
        if second != self._clock_second:
            self._clock_second = second
            moment = datetime.fromtimestamp(second, UTC).astimezone(BEIJING)
            text = moment.strftime("北京时间 %Y-%m-%d %H:%M:%S")
            box = Box(self._plan.width - CLOCK_WIDTH, 0, CLOCK_WIDTH, TITLE_HEIGHT)
            self._canvas.paste(self._lettering.bar(text, box.width, box.height, "right"), box)
        pause = next((words for (since, until), words in self._pauses if since <= at < until), "")
        large = self._direction.large_at(at)
        if large != self._large:
            self._large = large
            self._place_tiles()
        # The nearest picture, not the one before: half a picture early or late instead of a whole one late.
        nearest = at + 0.5 / self._plan.fps
        for painter in self._visible:
            painter.paint(nearest, pause or self._veiled(painter.participant_id, at))

    def _veiled(self, participant_id: str, at: float) -> str:
        spans = self._veils.get(participant_id, ())
        return CARD if any(since <= at < until for since, until in spans) else ""

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


def span_of(manifest: dict[str, Any]) -> Span:
    """From the recording's start to its stop by the clock of its start."""
    recording = steady(manifest)["recording"]
    return Span(moment_ns(recording["started_at"]), moment_ns(recording["stopped_at"]))


def sources_of(manifest: dict[str, Any]) -> dict[str, set[str]]:
    """Participant id to the sources that were recorded."""
    sources: dict[str, set[str]] = {}
    for track in manifest["tracks"]:
        sources.setdefault(track["participant_id"], set()).add(track["source"])
    return sources


def everybody(manifest: dict[str, Any], sources: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Participants of the manifest, and a nameless one for a track that none of them owns."""
    people = {person["participant_id"]: person for person in manifest["participants"]}
    for participant_id in sources:
        people.setdefault(participant_id, {"participant_id": participant_id, "role": "observer"})
    return list(people.values())


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
    """Duration, size and digest; CompositionFlawed when a track is missing or the length is wrong."""
    with av.open(str(path)) as film:
        duration = (film.duration or 0) / av.time_base
        if not film.streams.video or not film.streams.audio:
            raise CompositionFlawed("picture or sound is missing")
    if abs(duration - seconds) > LENGTH_TOLERANCE:
        raise CompositionFlawed(f"{duration:.2f} s long instead of {seconds:.2f} s")
    return {
        "duration_ms": round(duration * 1000),
        "size": path.stat().st_size,
        "sha256": file_sha256(path),
        "video_codec": "H.264",
        "audio_codec": "AAC",
    }
