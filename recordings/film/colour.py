"""Colour: everything in a film is BT.709 in limited range, 8 bit, and the film says so (ITU-T H.273).

Browsers code camera pictures in BT.601 limited range unless the stream says otherwise (RFC 6386 section 9.2
knows nothing else for VP8). Without conversion a red coat is off by thirty of 255.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint8]  # yuv420p as PyAV has it: height * 3 / 2 rows of width bytes
Matrix = NDArray[np.float32]

# Code points of ITU-T H.273, the same in H.264 and in MP4's colr box.
BT709, LIMITED, FULL = 1, 1, 2
BT2020 = 9
# Shares of red and blue in luma; every other matrix code is taken for BT.601.
WEIGHTS = {BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}
BT601_WEIGHTS = (0.299, 0.114)


@lru_cache(maxsize=8)
def _from_rgb(weights: tuple[float, float]) -> NDArray[np.float64]:
    """RGB of 0 to 255 to Y, U, V in limited range, without the offsets 16, 128, 128."""
    red, blue = weights
    green = 1 - red - blue
    luma = np.array([red, green, blue])
    rows = [
        219 * luma,
        112 * (np.array([0, 0, 1]) - luma) / (1 - blue),
        112 * (np.array([1, 0, 0]) - luma) / (1 - red),
    ]
    return np.array(rows) / 255


@lru_cache(maxsize=8)
def _to_film(code: int) -> Matrix | None:
    """From limited Y, U, V of that matrix code to BT.709; None when nothing is to be done."""
    if code == BT709:
        return None
    before = _from_rgb(WEIGHTS.get(code, BT601_WEIGHTS))
    return np.asarray(_from_rgb(WEIGHTS[BT709]) @ np.linalg.inv(before), dtype=np.float32)


def matrix_to_film(code: int, is_full: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix for (Y, U - 128, V - 128) of that code and range; and what is added for the film's Y, U, V."""
    matrix = _to_film(code)
    exact = np.eye(3) if matrix is None else matrix.astype(np.float64)
    if is_full:
        exact = exact @ np.diag([219 / 255, 224 / 255, 224 / 255])
    return exact, np.array([16.0 if is_full else 0.0, 128.0, 128.0])


def chroma_of(planes: Planes, width: int, height: int) -> Planes:
    """U and V as one view of (2, height / 2, width / 2)."""
    return planes[height:].reshape(2, height // 2, width // 2)


def to_film(planes: Planes, width: int, height: int, code: int) -> Planes:
    """Planes in limited range with matrix ``code`` as planes of the film.

    Both matrices give grey no chroma, so luma changes only where there is colour.
    """
    matrix = _to_film(code)
    if matrix is None:
        return planes
    film = np.empty_like(planes)
    u, v = chroma_of(planes, width, height).astype(np.float32) - 128
    shift = np.rint(_mixed(matrix, 0, u, v)).astype(np.int16)
    luma = planes[:height].astype(np.int16)
    # Both pixels of two lines share their chroma; whole lines are added, which numpy does best.
    luma.reshape(height // 2, 2, width)[:] += np.repeat(shift, 2, axis=1)[:, None, :]
    film[:height] = np.clip(luma, 0, 255, out=luma)
    chroma = chroma_of(film, width, height)
    for row in (1, 2):
        exact = _mixed(matrix, row, u, v)
        exact += 128.5
        chroma[row - 1] = np.clip(exact, 0, 255, out=exact)
    return film


def _mixed(matrix: Matrix, row: int, u: Matrix, v: Matrix) -> Matrix:
    mixed: Matrix = u * matrix[row, 1]
    mixed += v * matrix[row, 2]
    return mixed


def planes_of_rgb(image: NDArray[np.uint8]) -> Planes:
    """RGB (height, width, 3), both even, as planes of the film; four pixels share their mean colour."""
    height, width, _ = image.shape
    matrix = _from_rgb(WEIGHTS[BT709]).astype(np.float32)
    pixels = image.astype(np.float32)
    quarters = pixels.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
    planes[:height] = np.rint(pixels @ matrix[0] + 16)
    chroma_of(planes, width, height)[:] = np.rint((quarters @ matrix[1:].T + 128).transpose(2, 0, 1))
    return planes
