"""Blocks: of a party's pictures only what changed is scaled and drawn, in blocks of sixteen by sixteen.

Somebody who talks moves a tenth of the picture; the wall behind does not. What was not drawn again is the
same sample for sample, which the coder sees, too. Compiled (``pixels.c``); recordings.film.pane does the
same with whole pictures where nothing was compiled.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from recordings.film.colour import FULL, Planes, matrix_to_film
from recordings.film.pixels import BLOCK, ffi, load

ONE = 1 << 14  # a weight of one, as in pixels.c
LANES = 8  # weights that are multiplied at once there
FORMATS = ("yuv420p", "yuvj420p")  # what browsers' VP8 and H.264 decode to
Shape = tuple[int, int, int, bool]  # width, height, matrix code, is the full range used?
Size = tuple[int, int]


class Axis:
    """From ``source`` samples to ``target``: a triangle as wide as two of the wider ones (bilinear)."""

    def __init__(self, source: int, target: int) -> None:
        ratio = source / target
        radius = max(1.0, ratio)
        reach = min(source, int(np.ceil(2 * radius)) + 1)
        taps = -(-reach // LANES) * LANES
        centres = (np.arange(target) + 0.5) * ratio - 0.5
        starts = np.clip(np.floor(centres - radius) + 1, 0, source - reach).astype(np.int32)
        places = starts[:, None] + np.arange(reach)
        exact = np.maximum(0.0, 1 - np.abs(places - centres[:, None]) / radius)
        exact *= ONE / exact.sum(axis=1, keepdims=True)
        weights = np.zeros((target, taps), dtype=np.int16)
        weights[:, :reach] = np.rint(exact)
        weights[np.arange(target), exact.argmax(axis=1)] += (ONE - weights.sum(axis=1)).astype(np.int16)
        self._kept = (starts, weights)  # The struct only points there.
        self.struct = ffi.new("struct axis *")
        self.taps = taps
        self.struct.count, self.struct.reach, self.struct.taps = target, reach, taps
        self.struct.starts = ffi.cast("int32_t *", starts.ctypes.data)
        self.struct.weights = ffi.cast("int16_t *", weights.ctypes.data)


class Blocks:
    """What of one party's pictures is shown, and how it gets there. Needs what ``pixels.load`` finds."""

    def __init__(self) -> None:
        self._library = load()
        self._shape: Shape | None = None
        self._size: Size | None = None
        self._held: Planes = np.empty(0, dtype=np.uint8)
        self._marks: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self._axes: list[Axis] = []
        self._scratch: NDArray[np.int16] = np.empty(0, dtype=np.int16)
        self._source, self._next = ffi.new("struct samples *"), ffi.new("struct samples *")
        self._how = ffi.new("struct scaling *")

    def draw(self, frame: av.VideoFrame, target: Any, tremble: int, anew: bool = False) -> int:
        """Draw ``frame`` to ``target``, a ``struct samples`` of the size that it is to have.

        What differs by no more than ``tremble`` of 255 from what was drawn stays, unless all is drawn
        ``anew``. Returns the number of blocks that were drawn.
        """
        shape, size = shape_of(frame), (target.width, target.height)
        if anew or shape != self._shape or size != self._size:
            self._prepare(shape, size)
            tremble = -1
        next_ = self._next
        next_.width, next_.height = frame.width, frame.height
        for number, plane in enumerate(frame.planes):
            next_.planes[number] = ffi.cast("uint8_t *", plane.buffer_ptr)
            next_.lines[number] = plane.line_size
        marks = ffi.cast("uint8_t *", self._marks.ctypes.data)
        if not self._library.hold_changes(self._source, next_, tremble, marks):
            return 0
        return int(self._library.scale_changes(self._source, target, self._how, marks))

    def _prepare(self, shape: Shape, size: Size) -> None:
        self._shape, self._size = shape, size
        width, height = shape[:2]
        wide, high = (width + 1) // 2, (height + 1) // 2
        self._held = np.empty(width * height + 2 * wide * high, dtype=np.uint8)
        lay_out(self._source, self._held.ctypes.data, width, height)
        self._marks = np.empty(-(-width // BLOCK) * -(-height // BLOCK), dtype=np.uint8)
        pairs = ((width, size[0]), (wide, size[0] // 2), (height, size[1]), (high, size[1] // 2))
        self._axes = [Axis(source, target) for source, target in pairs]
        self._scratch = np.zeros(width + max(axis.taps for axis in self._axes), dtype=np.int16)
        for number in range(2):
            self._how.across[number] = self._axes[number].struct[0]
            self._how.down[number] = self._axes[number + 2].struct[0]
        matrix, offsets = matrix_to_film(shape[2], shape[3])
        self._how.colours = np.rint(matrix * ONE).astype(int).ravel().tolist()
        self._how.offsets = np.rint(offsets * ONE).astype(int).tolist()
        self._how.scratch = ffi.cast("int16_t *", self._scratch.ctypes.data)


def shape_of(frame: av.VideoFrame) -> Shape:
    """What pictures have in common that can be drawn over each other."""
    return frame.width, frame.height, int(frame.colorspace), is_full_range(frame)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Limited unless the stream says that it uses the full range."""
    return frame.format.name == "yuvj420p" or int(frame.color_range) == FULL


def lay_out(samples: Any, address: int, width: int, height: int) -> None:
    """``samples`` as the planes of one picture that lie behind each other without padding."""
    samples.width, samples.height = width, height
    wide, high = (width + 1) // 2, (height + 1) // 2
    for number, (line, count) in enumerate(((width, height), (wide, high), (wide, high))):
        samples.planes[number] = ffi.cast("uint8_t *", address)
        samples.lines[number] = line
        address += line * count
