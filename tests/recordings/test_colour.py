"""Colours of the film: what was red in front of the camera is that red on the screen, to a few of 255."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from recordings.capture.journal import Disk, TrackJournal
from recordings.capture.segment import RTP
from recordings.film.captions import BAR, EMPTY
from recordings.film.colour import BT601_WEIGHTS, BT709, FULL, LIMITED, WEIGHTS, planes_of_rgb, to_film
from recordings.film.composition import compose
from recordings.film.layout import arrange
from recordings.film.plan import CompositionPlan
from tests.recordings.synthetic import (
    FPS,
    MONOTONIC_NS,
    PARTIES,
    START_NS,
    identity,
    rtp,
    seal,
    vp8_frames,
    vp8_payloads,
)

SECONDS = 2.0
SIZE = (320, 180)
PLAN = CompositionPlan()
TOLERANCE = 5  # of 255, after two encoders
BT601 = 6
# What each party's camera sends: codec, matrix and range as signalled, 2 and 0 where nothing is said.
SIGNALLED = {
    "p_city": ("VP8", BT601, LIMITED, False),
    "p_district": ("H264", 2, 0, False),
    "p_province": ("H264", BT709, LIMITED, False),
    "p_citizen": ("H264", BT601, FULL, True),
}


def weights_of(code: int) -> tuple[float, float]:
    return WEIGHTS.get(code, BT601_WEIGHTS)


def to_rgb(y: float, u: float, v: float, weights: tuple[float, float]) -> np.ndarray[Any, Any]:
    """Limited Y, U, V to RGB by the textbook."""
    red, blue = weights
    luma, pb, pr = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    r, b = luma + 2 * (1 - red) * pr, luma + 2 * (1 - blue) * pb
    return np.array([r, (luma - red * r - blue * b) / (1 - red - blue), b]) * 255


def from_rgb(colour: tuple[int, int, int], weights: tuple[float, float], full: bool) -> list[int]:
    red, blue = weights
    r, g, b = (part / 255 for part in colour)
    luma = red * r + (1 - red - blue) * g + blue * b
    pb, pr = (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))
    low, high, chroma = (0, 255, 255) if full else (16, 219, 224)
    return [round(low + high * luma), round(128 + chroma * pb), round(128 + chroma * pr)]


def h264_frames(colour: tuple[int, int, int], code: int, signalled_range: int, full: bool) -> list[bytes]:
    """Two seconds of one colour, tagged as told."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt = "yuvj420p" if full else "yuv420p"
    encoder.time_base = Fraction(1, FPS)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    encoder.colorspace, encoder.color_range = code, signalled_range
    y, u, v = from_rgb(colour, weights_of(code), full)
    planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), y, dtype=np.uint8)
    planes[SIZE[1] :].reshape(2, -1)[:] = [[u], [v]]
    coded = []
    for number in range(round(SECONDS * FPS)):
        frame = av.VideoFrame.from_ndarray(planes, format=encoder.pix_fmt)
        frame.pts, frame.color_range, frame.colorspace = number, signalled_range, code
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return coded + [bytes(packet) for packet in encoder.encode(None)]


def single_units(access_unit: bytes) -> list[bytes]:
    """NAL units as packets of their own (RFC 6184 section 5.6)."""
    units = access_unit.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]
    assert all(len(unit) < 1200 for unit in units)
    return units


def payloads(party: Any) -> Iterator[list[bytes]]:
    codec, code, signalled_range, full = SIGNALLED[party.participant_id]
    if codec == "VP8":
        for number, frame in enumerate(vp8_frames(party.colour, *SIZE, round(SECONDS * FPS))):
            yield vp8_payloads(frame, number)
    else:
        for frame in h264_frames(party.colour, code, signalled_range, full):
            yield single_units(frame)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("colour") / "rec"
    root.mkdir()
    for party in PARTIES:
        codec = SIGNALLED[party.participant_id][0]
        journal = TrackJournal(root, replace(identity(party, "camera"), codec=codec), Disk())
        count = 0
        for picture, parts in enumerate(payloads(party)):
            at = picture * 1_000_000_000 // FPS
            for place, payload in enumerate(parts):
                data = rtp(count, picture * 90_000 // FPS, 9, payload, place == len(parts) - 1, 96)
                journal.append(RTP, MONOTONIC_NS + at, START_NS + at, data)
                count += 1
            journal.drain(MONOTONIC_NS + at, START_NS + at)
        journal.finish(MONOTONIC_NS + at, START_NS + at, "closed")
    seal(root, SECONDS)
    compose(root, root / "composed.mp4", PLAN, lambda share: None)
    return root / "composed.mp4"


def colour_at(path: Path, x: int, y: int) -> np.ndarray[Any, Any]:
    """Of the picture at one second, by the matrix that the film states."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time >= 1.0:
                assert (frame.colorspace, frame.color_range) == (BT709, LIMITED)
                planes = frame.to_ndarray()
                u, v = planes[frame.height :].reshape(2, frame.height // 2, -1)[:, y // 2, x // 2]
                return to_rgb(float(planes[y, x]), float(u), float(v), WEIGHTS[BT709])
    raise AssertionError("the film is too short")


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.participant_id)
def test_a_colour_is_the_same_in_the_film(film: Path, party: Any) -> None:
    sources = {who.participant_id: {"camera"} for who in PARTIES}
    tiles = arrange([who.entry() for who in PARTIES], sources, PLAN.width, PLAN.height)
    box = next(tile.picture for tile in tiles if tile.participant_id == party.participant_id)
    shown = colour_at(film, box.x + box.width // 2, box.y + box.height * 3 // 4)
    print(party.participant_id, SIGNALLED[party.participant_id], party.colour, shown.round(1))
    assert np.abs(shown - np.array(party.colour)).max() <= TOLERANCE


def test_captions_have_their_colour_too(film: Path) -> None:
    assert np.abs(colour_at(film, 1000, 6) - np.array(BAR)).max() <= TOLERANCE


def test_the_film_says_in_both_places_which_colours_it_has(film: Path) -> None:
    """In MP4's colr box for players and in H.264's own parameters for those that look there."""
    assert b"colrnclx" + bytes((0, 1, 0, 1, 0, 1, 0)) in film.read_bytes()
    with av.open(str(film)) as container:
        coder = container.streams.video[0].codec_context
        next(container.decode(video=0))
        stated = (coder.color_primaries, coder.color_trc, coder.colorspace, coder.color_range)
    assert stated == (1, 1, 1, LIMITED)


def test_pictures_of_the_film_s_own_matrix_are_left_alone() -> None:
    planes = np.arange(24, dtype=np.uint8).reshape(6, 4)
    assert to_film(planes, 4, 4, BT709) is planes


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255), EMPTY]
)
def test_the_matrices_are_those_of_the_textbook(colour: tuple[int, int, int]) -> None:
    image = np.broadcast_to(np.array(colour, dtype=np.uint8), (2, 2, 3))
    y, u, v = planes_of_rgb(image).reshape(-1)[[0, 4, 5]]
    assert np.abs(to_rgb(float(y), float(u), float(v), WEIGHTS[BT709]) - colour).max() <= 2
    camera = np.array([from_rgb(colour, BT601_WEIGHTS, False)], dtype=np.uint8)
    planes = np.repeat(camera, (4, 1, 1), axis=1).reshape(3, 2)
    film = to_film(planes, 2, 2, 2).reshape(-1)[[0, 4, 5]].astype(float)
    assert np.abs(to_rgb(*film, WEIGHTS[BT709]) - colour).max() <= 4
