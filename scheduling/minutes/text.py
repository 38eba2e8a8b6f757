"""What may stand in a paragraph of the minutes, and how much of it."""

from __future__ import annotations

import re
import unicodedata

from cases.errors import Invalid
from cases.fields import CODE_POINTS_PER_GRAPHEME, count_graphemes

PARAGRAPH_LIMIT = 4000  # Graphemes.
# Vietnamese and Tibetan need two or three marks on a letter; more only make a page unreadable.
MOST_MARKS = 6
# Code points below which nothing is counted: what a saved paragraph and one more typed into it can hold.
STORED_LIMIT = PARAGRAPH_LIMIT * CODE_POINTS_PER_GRAPHEME

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def tidy(text: str) -> str:
    """Return `text` in NFC without control, bidirectional and zero-width characters.

    Blanks stay as typed, at the end too: while somebody writes, the next word is still to come.
    Raises Invalid `too_long`, `too_many_marks` at `text`.
    """
    if len(text) > STORED_LIMIT:
        raise too_long()
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN)
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or unicodedata.category(char) == "Me" else 0
        if marks > MOST_MARKS:
            message = "这一段里有大量叠加的符号，打印不出来，请删去后再保存。"
            raise Invalid("too_many_marks", message, "text")
    if count_graphemes(text) > PARAGRAPH_LIMIT:
        raise too_long()
    return text


def too_long() -> Invalid:
    """One paragraph cannot hold so much."""
    return Invalid("too_long", f"一段最多 {PARAGRAPH_LIMIT} 个字，请分成几段。", "text")


def is_empty(text: str) -> bool:
    """Tell whether nothing can be read in it."""
    return not re.search(r"\S", text)
