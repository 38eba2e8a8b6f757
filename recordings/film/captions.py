"""Captions: text drawn once with a system font and kept as picture planes."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from recordings.film.colour import Planes, planes_of_rgb

# Places where Debian, Fedora, openEuler and Kylin put Noto or Source Han Sans; the number is the
# face inside the collection that draws simplified Chinese.
FONTS = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/wqy-zenhei/wqy-zenhei.ttc", 0),
)

BAR = (24, 32, 42)
TEXT = (255, 255, 255)
EMPTY = (52, 58, 66)
EMPTY_TEXT = (206, 212, 218)


def find_font(named: str = "") -> tuple[str, int] | None:
    """The font file and face that draw Chinese; ``named`` is tried first. None is for doctor to tell."""
    if named and Path(named).is_file():
        return named, dict(FONTS).get(named, 0)
    return next((font for font in FONTS if Path(font[0]).is_file()), None) or _packaged()


def _packaged() -> tuple[str, int] | None:
    """The font that comes with our dependencies, for machines without a Chinese one of their own."""
    found = find_spec("pylopdf_fonts_zh_cn")
    path = Path(found.origin).with_name("NotoSansSC-Regular.otf") if found and found.origin else None
    return (str(path), 0) if path and path.is_file() else None


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=16)
def load_font(size: int, named: str = "") -> Font:
    """The caption font in pixels; without a Chinese font the built-in one, which draws boxes."""
    font = find_font(named)
    if font is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(font[0], size, index=font[1])


def to_planes(image: Image.Image) -> Planes:
    """RGB to planes of the film; width and height must be even."""
    return planes_of_rgb(np.asarray(image.convert("RGB"), dtype=np.uint8))


def shorten(text: str, width: int, font: Font) -> str:
    """The text, cut with an ellipsis where it is wider than ``width`` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def shorten_label(label: str, width: int, font: Font) -> str:
    """Name, office and role with two blanks between; without room the office is cut, then left out."""
    name, *others = label.split("  ")
    if len(others) < 2 or font.getlength(label) <= width:
        return shorten(label, width, font)
    office, role = others[0], "  ".join(others[1:])
    room = width - int(font.getlength(f"{name}    {role}"))
    if room >= font.getlength(office[:2] + "…"):
        return f"{name}  {shorten(office, room, font)}  {role}"
    return shorten(f"{name}  {role}", width, font)


class Lettering:
    """Draws all captions of one film with one font; ``named`` is a font file or empty."""

    def __init__(self, named: str = "") -> None:
        self._named = named

    def bar(self, text: str, width: int, height: int, align: str = "left") -> Planes:
        """One line of white text on a dark bar."""
        image = Image.new("RGB", (width, height), BAR)
        font = load_font(max(12, int(height * 0.58)), self._named)
        text = shorten_label(text, width - 20, font)
        x = 10 if align == "left" else width - 10 - int(font.getlength(text))
        ImageDraw.Draw(image).text((x, height // 2), text, fill=TEXT, font=font, anchor="lm")
        return to_planes(image)

    def placeholder(self, lines: tuple[str, ...], width: int, height: int) -> Planes:
        """What stands where no picture is."""
        image = Image.new("RGB", (width, height), EMPTY)
        size = min(44, max(14, height // 10))
        draw, font = ImageDraw.Draw(image), load_font(size, self._named)
        step = max(20, size * 3 // 2)
        y = height // 2 - step * (len(lines) - 1) // 2
        for line in lines:
            text = shorten(line, width - 20, font)
            draw.text((width // 2, y), text, fill=EMPTY_TEXT, font=font, anchor="mm")
            y += step
        return to_planes(image)
