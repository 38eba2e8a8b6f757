"""Plan: what a film is to be like, and which span of time it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recordings.evidence.clock_jumps import steady
from recordings.evidence.manifest import moment_ns
from recordings.film.direction import SESSION

SMALLEST = (640, 360)
LONGEST_SECONDS = 24 * 3600


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


def span_of(manifest: dict[str, Any]) -> Span:
    """From the recording's start to its stop by the clock of its start."""
    recording = steady(manifest)["recording"]
    return Span(moment_ns(recording["started_at"]), moment_ns(recording["stopped_at"]))
