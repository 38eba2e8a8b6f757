"""A paper in words, before it is drawn: nothing of it is looked up later."""

from __future__ import annotations

from dataclasses import dataclass

from cases.documents.template import Paragraph


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that stands on it. `date`: in Chinese; `note`: what it corrects, or ""."""

    office: str
    title: str
    number: str
    recipient: str
    paragraphs: tuple[Paragraph, ...]
    date: str
    note: str = ""
