"""What pages are told of a material that is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExhibitView:
    """The page of a material that everybody looks at; `by` is who shows it, pages count from 1."""

    material_id: str
    name: str
    page: int
    pages: int
    by: str
