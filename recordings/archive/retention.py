"""Retention: how long a recording is kept at least. No class ends by itself; deletion takes two officials.

No law or rule gives petition recordings a period, so the default class is permanent. The periods 永久,
30 年 and 10 年 are those of office archives (《机关文件材料归档范围和文书档案保管期限规定》); a period is
counted from the first day of the year after the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

DEFAULT_CLASSES = ("permanent=0", "long=30", "short=10")
LONGEST_YEARS = 200
# The shortest period of office archives; what comes with the settings is the operator's own answer.
LEAST_YEARS = 10
# The lock of a store needs a date; it is this one for what is kept for ever, or even longer than this.
LONGEST_LOCK_YEARS = 99


@dataclass(frozen=True)
class RetentionClass:
    """``years`` 0 means for ever."""

    code: str
    years: int

    @property
    def name(self) -> str:
        return f"{self.years} 年" if self.years else "永久"

    def keep_until(self, recorded: datetime) -> datetime | None:
        """The first moment at which deletion may be proposed; None: never."""
        # Here, because the media process reads settings without the cases.
        from cases.clock import BEIJING

        if not self.years:
            return None
        return datetime(recorded.astimezone(BEIJING).year + 1 + self.years, 1, 1, tzinfo=BEIJING)


def lock_end(recorded: datetime, keep_until: datetime | None) -> datetime:
    """Until when the archive store itself is to keep what is kept here until then (None: for ever)."""
    longest = RetentionClass("", LONGEST_LOCK_YEARS).keep_until(recorded)
    assert longest is not None
    return longest if keep_until is None else min(keep_until, longest)


def period_name(recorded: datetime, keep_until: datetime | None) -> str:
    """The period of a recording that is kept until then: 永久 or years; the reverse of ``keep_until``."""
    from cases.clock import BEIJING

    if keep_until is None:
        return "永久"
    return f"{keep_until.astimezone(BEIJING).year - recorded.astimezone(BEIJING).year - 1} 年"


def read_classes(texts: Iterable[str]) -> Mapping[str, RetentionClass]:
    """Classes by code from texts like ``long=30``. Raises ValueError naming what cannot be used."""
    found: dict[str, RetentionClass] = {}
    for text in texts:
        code, _, years = text.partition("=")
        plain = code.isascii() and code.isidentifier() and len(code) <= 32
        if not plain or code in found or not years.isdecimal() or int(years) > LONGEST_YEARS:
            raise ValueError(f"not a retention class: {text!r}")
        found[code] = RetentionClass(code, int(years))
    return found
