"""A place on a film as people type it: `1:02:03`, `2:03` or `62.5`; kept in milliseconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cases.errors import Invalid

LONGEST_MS = 100 * 3600 * 1000
_MOMENT = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,3})?)|(\d{1,6}(?:\.\d{1,3})?)")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A moment of the film, or with ``to_ms`` a stretch; both empty: the film as a whole."""

    from_ms: int | None = None
    to_ms: int | None = None


def read_moment(typed: str, field: str) -> int | None:
    """Milliseconds from the beginning, None where nothing was typed. Raises Invalid at ``field``."""
    text = typed.replace("：", ":").strip()[:20]
    if not text:
        return None
    found = _MOMENT.fullmatch(text) if text.isascii() else None
    if found is None:
        raise Invalid("bad_moment", "请填写录像上的时间，例如 1:02:03 或 2:03。", field)
    hours, minutes, seconds, alone = found.groups()
    if alone is not None:
        value = float(alone)
    else:
        if float(seconds) >= 60 or (hours and int(minutes) >= 60):
            raise Invalid("bad_moment", "分和秒要小于 60，例如 1:02:03。", field)
        value = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    ms = round(value * 1000)
    if ms > LONGEST_MS:
        raise Invalid("bad_moment", "这个时间超出了录像。", field)
    return ms


def read_stretch(since: str, until: str) -> Stretch:
    """What was typed at ``since`` and ``until``. Raises Invalid."""
    from_ms, to_ms = read_moment(since, "since"), read_moment(until, "until")
    if to_ms is not None and (from_ms is None or to_ms <= from_ms):
        raise Invalid("bad_stretch", "结束时间要晚于开始时间。", "until")
    return Stretch(from_ms, to_ms)
