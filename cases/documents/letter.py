"""A paper in words, before it is drawn: nothing of it is looked up later."""

from __future__ import annotations

from dataclasses import dataclass

from cases.documents.template import Paragraph


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that stands on it.

    `recipient`: "" where it goes to nobody but its parties; `date`: in Chinese; `note`: what it corrects,
    or "".
    """

    office: str
    title: str
    number: str
    recipient: str
    paragraphs: tuple[Paragraph, ...]
    date: str
    note: str = ""


def number_of(office: str, word: str, year: int, sequence: int) -> str:
    """`兰州市信访局信核〔2026〕3号`: the office by its full name, the kind, the year, how many in it."""
    return f"{office}{word}〔{year}〕{sequence}号"


def correction_note(number: str, title: str, reason: str) -> str:
    """The paragraph by which a paper names the one that it replaces."""
    return f"本文书替换{number}《{title}》，原文书不再使用。更正原因：{reason.rstrip('。')}。"
