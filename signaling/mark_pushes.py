"""Pushes about marks, listed by their `type` in PUSHES; one grammar with signaling/pushes.py."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.commands import MarkKind
from signaling.pushes import Push


@dataclass(frozen=True)
class MarkView:
    """A marked moment; `withdrawn_by` names who took it back."""

    id: str
    mark: MarkKind
    note: str
    at: str
    by: str
    name: str
    withdrawn_by: str | None


@dataclass(frozen=True)
class Marks(Push):
    """All marks of the sitting, in order; officials only."""

    marks: list[MarkView]


PUSHES: dict[str, type[Push]] = {"marks": Marks}
