"""What is typed into forms of supervision: words and days, refused at the field."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TypeVar

from cases.errors import Invalid
from cases.fields import clean_text, count_graphemes
from cases.supervision.order import WORDS_LIMIT

LONGEST_DAYS = 366
Choice = TypeVar("Choice", bound=StrEnum)


def read_words(typed: str, label: str) -> str:
    """At least two characters. Raises Invalid `words_required` at `words`."""
    words = clean_text(typed, "words", label, WORDS_LIMIT)
    if count_graphemes(words) < 2:
        raise Invalid("words_required", f"请填写{label}，至少 2 个字。", "words")
    return words


def read_due(typed: str, today: date) -> date:
    """A day after today. Raises Invalid `bad_date` at `due_on`."""
    try:
        due_on = date.fromisoformat(typed.strip()[:10])
    except ValueError:
        raise Invalid("bad_date", "请填写反馈期限，例如 2026-08-01。", "due_on") from None
    if not 0 < (due_on - today).days <= LONGEST_DAYS:
        raise Invalid("bad_date", "反馈期限要在今天以后、一年以内。", "due_on")
    return due_on


def read_choice(choices: type[Choice], typed: str, field: str) -> Choice:
    """One of the list. Raises Invalid `choose`."""
    if typed not in set(choices):
        raise Invalid("choose", "请选择一项。", field)
    return choices(typed)
