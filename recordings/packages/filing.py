"""Filing: the codes that an office has at its archive, as far as the settings tell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CODE_LIMIT = 32


@dataclass(frozen=True)
class Filing:
    """``archive``: code of the archive (档案馆代码); ``fonds``: number of the fonds (全宗号) of each office.

    Offices are named by their id or full name. Empty: the filing office writes it in by hand.
    """

    archive: str = ""
    fonds: Mapping[str, str] = field(default_factory=dict)

    def fonds_of(self, office: Mapping[str, Any]) -> str | None:
        """The number of an office as manifests describe it (``id``, ``name``); None where none was told."""
        return self.fonds.get(str(office.get("id"))) or self.fonds.get(str(office.get("name")))


UNFILED = Filing()


def read_filing(archive: str, fonds: Iterable[str]) -> Filing:
    """From texts like ``兰州市城关区信访局=0123``. Raises ValueError naming what cannot be used."""
    if archive and not _is_code(archive):
        raise ValueError(f"not a code of an archive: {archive!r}")
    found: dict[str, str] = {}
    for text in fonds:
        office, _, number = (part.strip() for part in text.partition("="))
        if not office or office in found or not _is_code(number):
            raise ValueError(f"not an office and its fonds: {text!r}")
        found[office] = number
    return Filing(archive, found)


def _is_code(text: str) -> bool:
    plain = text.isprintable() and not any(char.isspace() for char in text)
    return plain and 1 <= len(text) <= CODE_LIMIT
