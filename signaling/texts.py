"""Texts that people write to people."""

from __future__ import annotations

import unicodedata

# Cc: control characters; Cf holds the direction marks that make text read backwards (robustness B47).
_TAKEN_OUT = frozenset({"Cc", "Cf"})


def plain(text: str) -> str:
    """The text on one line without control and direction characters, normalised to NFC."""
    normal = unicodedata.normalize("NFC", text.replace("\n", " "))
    return "".join(char for char in normal if unicodedata.category(char) not in _TAKEN_OUT).strip()
