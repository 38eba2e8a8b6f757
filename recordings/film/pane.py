"""Pane: how decoded pictures get to their place on the canvas, and which of them need not.

``BlockPane`` draws what changed, ``WholePane`` the whole picture where nothing was compiled or the format is
none of a browser's.
"""

from __future__ import annotations

from typing import Any, Protocol

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from recordings.film.blocks import FORMATS, Blocks, is_full_range, lay_out
from recordings.film.canvas import Canvas, turn
from recordings.film.colour import BT709, FULL, LIMITED, Planes, to_film
from recordings.film.layout import Box
from recordings.film.pixels import ffi, load

# Codecs let a still wall tremble: by how much of 255 a sample may differ from the one shown. Blocks are drawn
# for little, so that finer is hardly slower, and nobody sees their edges; a whole picture is dear.
FINE, COARSE = 2, 6
STRIP = 64  # lines that are compared at once


class Pane(Protocol):
    """One party's place on a canvas."""

    def show(self, frame: av.VideoFrame, rotation: int, box: Box, exact: bool, anew: bool) -> None:
        """Have ``frame`` in ``box``, turned clockwise by ``rotation``.

        What differs from what is there by no more than a still wall trembles may stay as it is, unless the
        picture is to be ``exact`` or to be drawn ``anew``.
        """


def open_pane(canvas: Canvas) -> Pane:
    """The best there is."""
    return WholePane(canvas) if load() is None else BlockPane(canvas)


def upright_size(box: Box, rotation: int) -> tuple[int, int]:
    """Width and height of a picture that fills the box once it is turned."""
    return (box.height, box.width) if rotation % 180 == 90 else (box.width, box.height)


class BlockPane:
    """Draws blocks that changed; a picture that is turned goes to the canvas as a whole."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas, self._blocks, self._odd = canvas, Blocks(), WholePane(canvas)
        self._turned: Planes = np.empty((0, 0), dtype=np.uint8)
        self._rotation, self._was_odd = 0, False
        self._box: Box | None = None
        self._target: Any = None  # the place of the box on the canvas

    def show(self, frame: av.VideoFrame, rotation: int, box: Box, exact: bool, anew: bool) -> None:
        anew = anew or self._was_odd or rotation != self._rotation
        self._rotation, self._was_odd = rotation, frame.format.name not in FORMATS
        if self._was_odd:
            self._odd.show(frame, rotation, box, exact, anew)
        elif rotation:
            self._show_turned(frame, rotation, box, exact, anew)
        else:
            if box != self._box:
                self._box, self._target = box, self._canvas.samples(box)
            if self._blocks.draw(frame, self._target, 0 if exact else FINE, anew):
                self._canvas.changed = True

    def _show_turned(self, frame: av.VideoFrame, rotation: int, box: Box, exact: bool, anew: bool) -> None:
        width, height = upright_size(box, rotation)
        if self._turned.shape != (height * 3 // 2, width):
            self._turned = np.empty((height * 3 // 2, width), dtype=np.uint8)
        target = ffi.new("struct samples *")
        lay_out(target, self._turned.ctypes.data, width, height)
        if self._blocks.draw(frame, target, 0 if exact else FINE, anew):
            self._canvas.paste(turn(self._turned, width, height, rotation), box)


class WholePane:
    """Draws whole pictures with ffmpeg's scaler."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas, self._scaler = canvas, VideoReformatter()
        self._last: tuple[av.VideoFrame, int] | None = None

    def show(self, frame: av.VideoFrame, rotation: int, box: Box, exact: bool, anew: bool) -> None:
        last, tremble = self._last, 0 if exact else COARSE
        if not anew and last is not None and last[1] == rotation and looks_like(frame, last[0], tremble):
            return
        width, height = upright_size(box, rotation)
        planes = self._scale(frame, width, height)
        self._canvas.paste(turn(planes, width, height, rotation), box)
        self._last = (frame, rotation)

    def _scale(self, frame: av.VideoFrame, width: int, height: int) -> Planes:
        """The picture in that size and in the film's colours."""
        spread = FULL if is_full_range(frame) else LIMITED
        scaled = self._scaler.reformat(
            frame, width, height, "yuv420p", BT709, BT709, "BILINEAR", spread, LIMITED, threads=1
        )
        return to_film(np.asarray(scaled.to_ndarray(), dtype=np.uint8), width, height, frame.colorspace)


def looks_like(frame: av.VideoFrame, other: av.VideoFrame, tremble: int) -> bool:
    """Does no sample of the one differ from the other's by more than ``tremble``? False for other formats."""
    shapes = [(f.width, f.height, f.format.name, f.colorspace, f.color_range) for f in (frame, other)]
    if shapes[0] != shapes[1]:
        return False
    for one, two in zip(frame.planes, other.planes, strict=True):
        if one.line_size != two.line_size:
            return False
        samples, before = (_samples_of(plane) for plane in (one, two))
        if tremble:  # No codec changes a single line: they work in blocks of four at least.
            samples, before = samples[::2], before[::2]
        # From the middle on, where people move, so that the first strip mostly decides.
        lines = len(samples)
        for top in sorted(range(0, lines, STRIP), key=lambda row: abs(row + STRIP / 2 - lines / 2)):
            # Modulo 256: what lies within -tremble..tremble comes to 0..2 * tremble.
            apart = samples[top : top + STRIP] - before[top : top + STRIP]
            apart += np.uint8(tremble)
            if int(apart.max(initial=0)) > 2 * tremble:
                return False
    return True


def _samples_of(plane: av.video.plane.VideoPlane) -> Planes:
    """The samples of a plane where they lie, without the padding of its lines."""
    lines = np.frombuffer(plane, dtype=np.uint8)  # type: ignore[call-overload]
    return np.asarray(lines.reshape(-1, plane.line_size)[: plane.height, : plane.width], dtype=np.uint8)
