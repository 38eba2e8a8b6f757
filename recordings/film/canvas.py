"""Canvas: what becomes the next picture of the film, in yuv420p planes: nothing is converted twice."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from recordings.film.colour import Planes, chroma_of
from recordings.film.layout import Box
from recordings.film.pixels import ffi

BLACK = (16, 128, 128)


class Canvas:
    """The whole picture; ``planes`` has height * 3 / 2 rows of width bytes.

    ``changed``: has anything been drawn since the last ``frame``?
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height, self.changed = width, height, True
        self.planes: Planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
        self.fill(Box(0, 0, width, height), BLACK)

    def _views(self, planes: Planes, width: int, height: int) -> tuple[Planes, Planes, Planes]:
        quarter = height // 4
        chroma = planes[height:].reshape(2, height // 2, width // 2) if quarter else planes[height:]
        return planes[:height], chroma[0], chroma[1]

    def fill(self, box: Box, colour: tuple[int, int, int]) -> None:
        """Fill with one Y, U, V colour."""
        self.changed = True
        for plane, value, step in zip(
            self._views(self.planes, self.width, self.height), colour, (1, 2, 2), strict=True
        ):
            rows = slice(box.y // step, (box.y + box.height) // step)
            plane[rows, box.x // step : (box.x + box.width) // step] = value

    def paste(self, planes: Planes, box: Box) -> None:
        """Copy planes of the size of ``box`` to its place."""
        self.changed = True
        targets = self._views(self.planes, self.width, self.height)
        sources = self._views(planes, box.width, box.height)
        for target, source, step in zip(targets, sources, (1, 2, 2), strict=True):
            rows = slice(box.y // step, (box.y + box.height) // step)
            target[rows, box.x // step : (box.x + box.width) // step] = source

    def frame(self, number: int) -> av.VideoFrame:
        """The picture as it stands, as number ``number`` of the film; good until something is drawn.

        It is not copied: the coder takes what it needs as soon as it is given the picture.
        """
        self.changed = False
        frame = av.VideoFrame.from_numpy_buffer(self.planes, "yuv420p")
        frame.pts = number
        return frame

    def samples(self, box: Box) -> Any:
        """A ``struct samples`` of recordings.film.pixels through which the box is drawn; say ``changed``."""
        found = ffi.new("struct samples *")
        found.width, found.height = box.width, box.height
        for number, plane in enumerate(self._views(self.planes, self.width, self.height)):
            step = 2 if number else 1
            address = plane.ctypes.data + box.y // step * plane.shape[1] + box.x // step
            found.planes[number], found.lines[number] = ffi.cast("uint8_t *", address), plane.shape[1]
        return found


def turn(planes: Planes, width: int, height: int, degrees: int) -> Planes:
    """Planes of that size turned clockwise by a multiple of 90 degrees."""
    if not degrees:
        return planes
    luma = np.rot90(planes[:height], -degrees // 90)
    chroma = np.rot90(chroma_of(planes, width, height), -degrees // 90, axes=(1, 2))
    wide = luma.shape[1]
    return np.concatenate([luma, chroma.reshape(-1, wide)])
