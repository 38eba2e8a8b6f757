"""Lane shapes: how a bar of each kind is drawn in a lane of 600 by 44; one outline for all bars of a kind.

An hour of speeches is hundreds of bars. As elements of their own they cost a browser more than the film's
first picture does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from web.replay.lanes import Bar

# (top, height) of each rectangle; kinds that come later are drawn over those before.
LANE_SHAPES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "speech": ((4, 14),),
    "good": ((36, 4),),
    "fair": ((31, 9),),
    "poor": ((24, 16),),
    "gone": ((24, 5), (35, 5)),
    "pause": ((4, 36),),
    "gap": ((4, 36),),
    "away": ((4, 14),),
    "hand": ((19, 4),),
    "document": ((30, 10),),
    "event": ((10, 18),),
    "mark": ((2, 40),),
}


def lane_outlines(bars: Iterable[Bar]) -> list[tuple[str, str]]:
    """Kind and SVG path data of all its bars, for each kind that is there."""
    found: dict[str, list[str]] = {}
    for bar in bars:
        found.setdefault(bar.kind, []).extend(
            f"M{bar.x} {top}h{bar.width}v{height}h-{bar.width}z" for top, height in LANE_SHAPES[bar.kind]
        )
    return [(kind, "".join(found[kind])) for kind in LANE_SHAPES if kind in found]
