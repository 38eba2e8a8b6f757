"""A handwritten signature: strokes with times, checked and drawn. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw

from cases.errors import Invalid

MOST_STROKES, MOST_POINTS = 200, 8000
LARGEST_SIDE = 10_000
# Of the pad: what a name takes at least. A dot or a dash is a slip of the finger.
LEAST_WIDTH, LEAST_HEIGHT, LEAST_POINTS = 0.12, 0.12, 12
LONGEST_MS = 3_600_000
SCALE_TO = 900  # Pixels of the drawn picture's longer side.

Point = tuple[int, int, int]


@dataclass(frozen=True)
class Strokes:
    """`strokes`: each a run of (x, y, milliseconds since the first touch) on a pad of `width` by `height`."""

    width: int
    height: int
    strokes: tuple[tuple[Point, ...], ...]

    def dump(self) -> str:
        """As it is kept and signed."""
        return json.dumps(
            {"width": self.width, "height": self.height, "strokes": self.strokes}, separators=(",", ":")
        )

    def picture(self) -> bytes:
        """Black on white, PNG."""
        scale = SCALE_TO / max(self.width, self.height)
        size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
        image = Image.new("L", size, 255)
        draw = ImageDraw.Draw(image)
        for stroke in self.strokes:
            points = [(x * scale, y * scale) for x, y, _ in stroke]
            draw.line(points if len(points) > 1 else points * 2, fill=0, width=5, joint="curve")
        kept = BytesIO()
        image.save(kept, "PNG", optimize=True)
        return kept.getvalue()


def read_strokes(text: str) -> Strokes:
    """Parse what the pad sent. Raises Invalid `signature_unreadable`, `signature_too_small` at `strokes`."""
    try:
        given = json.loads(text)
        width, height = int(given["width"]), int(given["height"])
        strokes = tuple(tuple(_point(point) for point in stroke) for stroke in given["strokes"] if stroke)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise _unreadable() from error
    points = [point for stroke in strokes for point in stroke]
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise _unreadable()
    if len(strokes) > MOST_STROKES or len(points) > MOST_POINTS:
        raise Invalid("signature_too_large", "签名太复杂，请重新签一次。", "strokes")
    times = [at for _, _, at in points]
    if times != sorted(times) or any(not 0 <= at <= LONGEST_MS for at in times):
        raise _unreadable()
    if any(not (0 <= x <= width and 0 <= y <= height) for x, y, _ in points):
        raise _unreadable()
    if len(points) < LEAST_POINTS or not _is_large(points, width, height):
        raise Invalid("signature_too_small", "签名太小或太短，请写上您的姓名。", "strokes")
    return Strokes(width, height, strokes)


def _point(given: Sequence[object]) -> Point:
    x, y, at = given
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (x, y, at)):
        raise ValueError("whole numbers only")
    return int(str(x)), int(str(y)), int(str(at))


def _is_large(points: Sequence[Point], width: int, height: int) -> bool:
    across = max(x for x, _, _ in points) - min(x for x, _, _ in points)
    down = max(y for _, y, _ in points) - min(y for _, y, _ in points)
    return across >= width * LEAST_WIDTH and down >= height * LEAST_HEIGHT


def _unreadable() -> Invalid:
    return Invalid("signature_unreadable", "没有收到完整的签名，请重新签一次。", "strokes")
