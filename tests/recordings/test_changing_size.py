"""A camera that changes its resolution and its shape within a stream, as browsers do on weak lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.evidence.verification import verify_folder
from recordings.film.composition import compose
from recordings.film.layout import arrange
from recordings.film.plan import CompositionPlan
from recordings.playback.catalogue import read_catalogue
from recordings.playback.pieces import Cut, cut_piece
from recordings.playback.window import read_window
from tests.recordings.synthetic import (
    FPS,
    MONOTONIC_NS,
    PARTIES,
    START,
    START_NS,
    identity,
    rtp,
    seal,
    vp8_frames,
    vp8_payloads,
)
from tests.recordings.test_colour import single_units
from tests.recordings.test_composition import picture_at

PARTY = PARTIES[0]
SIZES = ((320, 180), (160, 90), (96, 160))  # large, small, and the phone turned upright
EACH = 2.0  # seconds
SECONDS = EACH * len(SIZES)
PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")


def h264_frames(width: int, height: int) -> list[list[bytes]]:
    """The party's colour; parameter sets before the first picture, which is a key frame."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    picture = np.full((height, width, 3), PARTY.colour, dtype=np.uint8)
    coded = []
    for number in range(round(EACH * FPS)):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return [single_units(each) for each in coded]


def pictures(codec: str) -> Iterator[list[bytes]]:
    """Payloads of one picture after the other."""
    number = 0
    for width, height in SIZES:
        if codec == "H264":
            yield from h264_frames(width, height)
            continue
        for frame in vp8_frames(PARTY.colour, width, height, round(EACH * FPS)):
            yield vp8_payloads(frame, number)
            number += 1


@pytest.fixture(params=["VP8", "H264"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "rec"
    root.mkdir()
    journal = TrackJournal(root, replace(identity(PARTY, "camera"), codec=request.param), Disk())
    number = 65_500
    for count, parts in enumerate(pictures(request.param)):
        at = round((count / FPS + 0.05) * 1e9)
        for part in parts:
            data = rtp(number, 0xFFFF0000 + count * 90_000 // FPS, 0x77, part, part is parts[-1], 96)
            journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, data)
            number += 1
        journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "session closed")
    seal(root, SECONDS, PARTIES[:1])
    return root


def test_the_film_shows_each_size_whole_in_its_place(folder: Path) -> None:
    out = folder.parent / "film.mp4"
    compose(folder, out, PLAN, lambda _: None)
    (tile,) = arrange([PARTY.entry()], {PARTY.participant_id: {"camera"}}, PLAN.width, PLAN.height)
    box, colour = tile.picture, np.array(PARTY.colour)
    middle = (box.y + box.height * 3 // 5, box.x + box.width // 2)
    edge = (box.y + box.height * 3 // 5, box.x + 100)
    for number, (width, height) in enumerate(SIZES):
        shown = picture_at(out, EACH * number + 1.0)
        assert np.abs(shown[middle].astype(int) - colour).max() < 35, number
        assert (np.abs(shown[edge].astype(int) - colour).max() < 35) == (width > height), number
    with av.open(str(out)) as film:
        times = [frame.time for frame in film.decode(video=0)]
    assert times[-1] + 1 / PLAN.fps == pytest.approx(SECONDS, abs=0.1)
    assert verify_folder(folder).intact


def test_the_replay_plays_every_picture_in_its_size(folder: Path) -> None:
    catalogue = read_catalogue(folder, START)
    (track,) = catalogue.of(PARTY.participant_id)
    made = cut_piece(track, read_window(catalogue, PARTY.participant_id, 0), 0, Cut(lead=True))
    with av.open(io.BytesIO(made.body)) as file:
        sizes = [(frame.width, frame.height) for frame in file.decode(video=0)]
    wanted = [size for size in SIZES for _ in range(round(EACH * FPS))]
    assert sizes == wanted
