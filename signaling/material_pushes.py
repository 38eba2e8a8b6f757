"""Pushes about materials, listed by their `type` in PUSHES; one grammar with signaling/pushes.py."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.pushes import Push


@dataclass(frozen=True)
class MaterialStrokes(Push):
    """Everything drawn on a page of what is shown."""

    material_id: str
    page: int
    strokes: list[list[int]]


@dataclass(frozen=True)
class MaterialPointer(Push):
    """Where somebody points; below zero: no longer. Worth nothing later, hence dropped where others wait."""

    by: str
    x: int
    y: int


PUSHES: dict[str, type[Push]] = {"material.strokes": MaterialStrokes, "material.pointer": MaterialPointer}
