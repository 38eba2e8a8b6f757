"""What the compiled loops of the film draw: the same as ffmpeg's scaler, and only where something changed."""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np
import pytest

from recordings.film.canvas import Canvas
from recordings.film.colour import BT709, FULL, LIMITED
from recordings.film.layout import Box, fit
from recordings.film.pane import FINE, BlockPane, WholePane, open_pane
from recordings.film.pixels import build, load

WHY_NOT = build()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=f"the film's loops were not built: {WHY_NOT}")
BT601 = 5
PLACE = Box(52, 44, 536, 302)


def test_what_was_built_is_used() -> None:
    assert load() is not None
    assert isinstance(open_pane(Canvas(640, 360)), BlockPane)


@lru_cache
def samples_of(width: int, height: int) -> list[np.ndarray]:
    """Waves, edges and grain in colour; odd sizes too."""
    wide, high = (width + 1) // 2, (height + 1) // 2
    rows, columns = np.mgrid[0:height, 0:width]
    luma = 120 + 60 * np.sin(columns / 17) * np.cos(rows / 23) + 40 * ((columns // 40 + rows // 30) % 2)
    planes = [luma + np.random.default_rng(1).normal(0, 4, luma.shape)]
    rows, columns = np.mgrid[0:high, 0:wide]
    planes += [128 + 70 * np.sin(columns / 31 + n) * np.cos(rows / 19) for n in range(2)]
    return [np.clip(plane, 16, 235).astype(np.uint8) for plane in planes]


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recordings.film.pane.load", lambda: None)


def test_without_a_compiler_whole_pictures_are_drawn(nothing_compiled: None) -> None:
    assert isinstance(open_pane(Canvas(640, 360)), WholePane)


def scene(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, samples in zip(frame.planes, samples_of(width, height), strict=True):
        write(plane, samples)
    frame.colorspace, frame.color_range = BT601, LIMITED
    return frame


def lines_of(plane: av.video.plane.VideoPlane) -> np.ndarray:
    return np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)


def write(plane: av.video.plane.VideoPlane, samples: np.ndarray) -> None:
    lines = lines_of(plane).copy()
    lines[: samples.shape[0], : samples.shape[1]] = samples
    plane.update(lines.tobytes())


def changed(frame: av.VideoFrame, by: int, plane: int, rows: slice, columns: slice) -> av.VideoFrame:
    """A copy of it with some samples of one plane brighter."""
    other = scene(frame.width, frame.height)
    samples = lines_of(other.planes[plane])[:, : other.planes[plane].width].copy()
    samples[rows, columns] += np.uint8(by)
    write(other.planes[plane], samples)
    return other


def drawn(pane_of: type[BlockPane] | type[WholePane], frame: av.VideoFrame, rotation: int = 0) -> Canvas:
    canvas = Canvas(640, 360)
    size = (frame.height, frame.width) if rotation % 180 else (frame.width, frame.height)
    pane_of(canvas).show(frame, rotation, fit(*size, PLACE), True, True)
    return canvas


@pytest.mark.parametrize(
    ("width", "height", "rotation"),
    [(1280, 720, 0), (641, 361, 180), (320, 180, 90), (90, 160, 270), (6, 4, 0), (1919, 33, 0)],
)
def test_it_draws_what_the_scaler_of_ffmpeg_draws(width: int, height: int, rotation: int) -> None:
    frame = scene(width, height)
    ours, theirs = (drawn(kind, frame, rotation).planes.astype(int) for kind in (BlockPane, WholePane))
    apart = np.abs(ours - theirs)
    assert np.ptp(ours) > 60
    assert apart.mean() < 0.3 and np.percentile(apart, 99.9) <= 3, (apart.mean(), apart.max())


@pytest.mark.parametrize("spread", [LIMITED, FULL])
@pytest.mark.parametrize("code", [BT601, BT709])
def test_colours_and_range_come_out_the_same(code: int, spread: int) -> None:
    frame = scene(1280, 720)
    frame.colorspace, frame.color_range = code, spread
    ours, theirs = (drawn(kind, frame).planes.astype(int) for kind in (BlockPane, WholePane))
    assert np.abs(ours - theirs).max() <= 3


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_only_what_changed_is_drawn_again(plane: int) -> None:
    frame, canvas = scene(1280, 720), Canvas(640, 360)
    pane, half = BlockPane(canvas), 2 if plane else 1
    pane.show(frame, 0, PLACE, True, True)
    before, canvas.changed = canvas.planes.copy(), False
    rows, columns = slice(352 // half, 384 // half), slice(640 // half, 672 // half)
    pane.show(changed(frame, FINE + 5, plane, rows, columns), 0, PLACE, False, False)
    assert canvas.changed
    places = np.argwhere((canvas.planes != before)[:360] if not plane else canvas.planes != before)
    top = places[places[:, 0] < 360] if not plane else places
    assert len(top) > 20
    if not plane:
        assert top[:, 0].min() > 44 + 352 * 302 / 720 - 20 and top[:, 0].max() < 44 + 384 * 302 / 720 + 20
        assert top[:, 1].min() > 52 + 640 * 536 / 1280 - 20 and top[:, 1].max() < 52 + 672 * 536 / 1280 + 20


def test_what_trembles_waits_until_it_is_to_be_exact() -> None:
    frame, canvas = scene(1280, 720), Canvas(640, 360)
    pane = BlockPane(canvas)
    pane.show(frame, 0, PLACE, True, True)
    before, canvas.changed = canvas.planes.copy(), False
    trembling = changed(frame, FINE, 0, slice(None), slice(None))
    pane.show(trembling, 0, PLACE, False, False)
    assert not canvas.changed and (canvas.planes == before).all()
    pane.show(trembling, 0, PLACE, True, False)
    assert canvas.changed and (canvas.planes[46:344, 54:586] != before[46:344, 54:586]).mean() > 0.9


def test_steps_too_small_to_see_do_not_add_up() -> None:
    """A light that is dimmed slowly is followed: what is shown is compared, not what came last."""
    frame, canvas = scene(1280, 720), Canvas(640, 360)
    pane = BlockPane(canvas)
    pane.show(frame, 0, PLACE, True, True)
    for step in range(1, 9):
        pane.show(changed(frame, step, 0, slice(None), slice(None)), 0, PLACE, False, False)
    last = Canvas(640, 360)
    BlockPane(last).show(changed(frame, 8, 0, slice(None), slice(None)), 0, PLACE, True, True)
    apart = np.abs(canvas.planes.astype(int) - last.planes.astype(int))
    assert apart[:360].max() <= FINE + 1


def test_nothing_beside_the_place_is_touched() -> None:
    canvas = drawn(BlockPane, scene(1280, 720))
    luma = canvas.planes[:360].copy()
    luma[PLACE.y : PLACE.y + PLACE.height, PLACE.x : PLACE.x + PLACE.width] = 16
    assert (luma == 16).all()
