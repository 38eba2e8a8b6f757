"""Sheet: the picture of a page as it was sealed, fitted to its place, and the strokes over it.

A folder may come from anywhere: whatever is no picture, is not the one that was sealed, or is too large
becomes words instead of a picture.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from recordings.film.exhibits import Stroke
from recordings.film.layout import Box
from scheduling.materials.exhibition import UNITS, UpPage

FOLDER = "exhibits"
PAGE_PATH = re.compile(r"exhibits/[A-Za-z0-9_-]{1,64}/page-[0-9]{1,6}\.(?:jpg|jpeg|png|webp)")
FORMATS = ("JPEG", "PNG", "WEBP")
LARGEST = 20 << 20  # bytes, as an uploaded material
MOST_PIXELS = 16_000_000  # six times the largest page that the house draws; 64 MB while it is opened
INK = (208, 16, 16)  # as in the room (web/static/css/materials.css)
FINER = 4  # edges are drawn so many times as large and then made smooth

NOT_SEALED, MISSING = "这一页没有存入录像", "这一页的图片没能存入录像"
GONE, CHANGED = "这一页的图片不见了", "这一页的图片与封存时不符"
UNREADABLE, TOO_LARGE = "这一页的图片打不开", "这一页的图片太大"


class PageMissing(Exception):
    """There is no picture to show; the text says why, in Chinese."""


class SealedPages:
    """The pages of a recording's folder by what the manifest says of them."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self._folder = folder
        self._entries: dict[tuple[str, int], dict[str, Any]] = {}
        listed = manifest.get("exhibits")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict):
                key = (str(entry.get("material_id")), entry.get("page"))
                if isinstance(key[1], int):
                    self._entries.setdefault((key[0], key[1]), entry)

    def picture(self, page: UpPage) -> Image.Image:
        """The page in RGB and upright. Raises PageMissing."""
        entry = self._entries.get((page.material_id, page.number))
        if entry is None:
            raise PageMissing(NOT_SEALED)
        path, digest = entry.get("path"), entry.get("sha256")
        if entry.get("missing"):
            raise PageMissing(MISSING)
        if not isinstance(path, str) or not PAGE_PATH.fullmatch(path):
            raise PageMissing(GONE)
        content = _read(self._folder / path)
        if hashlib.sha256(content).hexdigest() != digest or page.sha256 not in (None, digest):
            raise PageMissing(CHANGED)
        return open_picture(content)


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():  # Whatever else has a name there might never end.
            raise PageMissing(GONE)
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise PageMissing(GONE) from error
    if len(content) > LARGEST:
        raise PageMissing(TOO_LARGE)
    return content


def open_picture(content: bytes) -> Image.Image:
    """A picture in RGB, upright as its EXIF says, on white. Raises PageMissing."""
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=FORMATS) as found,
        ):
            if found.width * found.height > MOST_PIXELS:
                raise PageMissing(TOO_LARGE)
            return _on_white(ImageOps.exif_transpose(found))
    except PageMissing:
        raise
    except Image.DecompressionBombError as error:
        raise PageMissing(TOO_LARGE) from error
    except Exception as error:  # noqa: BLE001 - a damaged picture lets Pillow raise nearly anything.
        raise PageMissing(UNREADABLE) from error


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    sheet = Image.new("RGB", clear.size, "white")
    sheet.paste(clear, mask=clear.getchannel("A"))
    return sheet


def draw_strokes(sheet: Image.Image, strokes: Sequence[Stroke], width: float) -> Box | None:
    """Draw lines of ``width`` pixels; the part of the sheet that changed, in even numbers; None: nothing."""
    if not strokes:
        return None
    wide, high = sheet.size
    lines = [_places(stroke, wide, high) for stroke in strokes]
    xs, ys = zip(*(place for line in lines for place in line), strict=True)
    left, top = (max(0, int(min(values) - width) // 2 * 2) for values in (xs, ys))
    right, bottom = (
        min(most, -(-int(max(values) + width + 1) // 2) * 2) for values, most in ((xs, wide), (ys, high))
    )
    box = Box(left, top, right - left, bottom - top)
    mask = Image.new("L", (box.width * FINER, box.height * FINER))
    pen = ImageDraw.Draw(mask)
    for line in lines:
        _draw(pen, [((x - left) * FINER, (y - top) * FINER) for x, y in line], width * FINER)
    sheet.paste(INK, (left, top, right, bottom), mask.reduce(FINER))
    return box


def _places(stroke: Stroke, width: int, height: int) -> list[tuple[float, float]]:
    pairs = zip(stroke[::2], stroke[1::2], strict=True)
    return [(x * width / UNITS, y * height / UNITS) for x, y in pairs]


def _draw(pen: ImageDraw.ImageDraw, places: list[tuple[float, float]], width: float) -> None:
    """A line with round ends and corners."""
    pen.line(places, 255, round(width))
    for x, y in places:
        pen.circle((x, y), width / 2, 255)
