"""Texts that people write to people."""

from __future__ import annotations

import unicodedata

# Cc: control characters; Cf holds the direction marks that make text read backwards (robustness B47).
_TAKEN_OUT = frozenset({"Cc", "Cf"})
_MARKS = frozenset({"Mn", "Me", "Mc"})
# No script needs more on one letter; more of them paint over the lines above and below.
MOST_MARKS = 3


def plain(text: str) -> str:
    """The text on one line without control and direction characters, normalised to NFC."""
    normal = unicodedata.normalize("NFC", text.replace("\n", " "))
    return "".join(char for char in normal if unicodedata.category(char) not in _TAKEN_OUT).strip()


def few_marks(text: str) -> str:
    """The text without combining marks beyond the third on one letter."""
    kept: list[str] = []
    run = 0
    for char in unicodedata.normalize("NFC", text):
        run = run + 1 if unicodedata.category(char) in _MARKS else 0
        if run <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)
