"""Strokes on their way from a phone to the screen that shows its QR code: in memory, for minutes only."""

from __future__ import annotations

import json
from collections import OrderedDict

from aiohttp import web

CEILING = 200  # Signatures at once; of more the oldest drawing is no longer shown, its signature is not lost.
MOST_BYTES = 131_072  # Of one drawing; a longer one is not shown while it is written.


class LiveStrokes:
    """By signing id: the last drawing as it was sent, valid JSON."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, object] = OrderedDict()

    def draw(self, signing_id: str, text: str) -> bool:
        """Take the place of the drawing before. False for what is too long or no drawing."""
        if len(text) > MOST_BYTES:
            return False
        try:
            drawn = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if not isinstance(drawn, dict) or not _is_drawing(drawn):
            return False
        self._drawn[signing_id] = {name: drawn[name] for name in ("width", "height", "strokes")}
        self._drawn.move_to_end(signing_id)
        while len(self._drawn) > CEILING:
            self._drawn.popitem(last=False)
        return True

    def of(self, signing_id: str) -> object | None:
        """The drawing so far."""
        return self._drawn.get(signing_id)

    def forget(self, signing_id: str) -> None:
        """It was signed or cancelled."""
        self._drawn.pop(signing_id, None)


def _is_drawing(drawn: dict[str, object]) -> bool:
    sides = (drawn.get("width"), drawn.get("height"))
    strokes = drawn.get("strokes")
    return (
        all(type(side) is int for side in sides) and isinstance(strokes, list) and all(map(_is_run, strokes))
    )


def _is_run(stroke: object) -> bool:
    return isinstance(stroke, list) and all(
        isinstance(point, list) and len(point) == 3 and all(type(value) is int for value in point)
        for point in stroke
    )


LIVE_STROKES = web.AppKey("live_strokes", LiveStrokes)
