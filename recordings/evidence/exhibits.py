"""Exhibits: the pages of materials that were shown, as a sealed recording holds and lists them.

Pictures lie in ``exhibits/<material id>/page-<n>.<ext>`` of the folder; the manifest lists each page that was
up while it was recorded, also one whose picture could not be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from recordings.evidence.manifest import moment_text
from recordings.evidence.pauses import BEGIN, END
from scheduling.materials.exhibition import READ, Exhibition, UpPage

EXHIBITS = "exhibits"
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
EXHIBIT_PATH = re.compile(r"exhibits/([A-Za-z0-9_]{1,64})/page-([1-9][0-9]{0,5})\.(jpg|png|webp)")
ORDERED, STOPPED = "recording.ordered", "recording.stopped"


class Happened(Protocol):
    """Of an event of the session what is asked for here."""

    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class ShownPage:
    """A page that was up. ``page_sha256`` is of its picture as shown, None where nobody wrote it down."""

    material_id: str
    name: str
    page: int
    page_sha256: str | None
    first_shown_at: datetime

    @property
    def path(self) -> str:
        """In the recording's folder; ValueError for what is no id or no number of a page."""
        path = f"{EXHIBITS}/{self.material_id}/page-{self.page}.jpg"  # Pages of materials are JPEG.
        if not EXHIBIT_PATH.fullmatch(path):
            raise ValueError(f"no page of a material: {path!r}")
        return path


def pages_shown(events: Iterable[Happened], recording_id: str, started_at: datetime) -> list[ShownPage]:
    """Every page that was up while this recording ran, in order of path, each once.

    What was up when it began or when a pause ended counts from then on; what was up in a pause alone, while
    nothing is recorded, is no part of it. ``events``: the session's, in order.
    """
    found: dict[tuple[str, int], ShownPage] = {}
    exhibition = Exhibition()
    running, paused = False, False
    for event in events:
        kind, data = event.kind, event.data
        since = event.at
        if kind in READ:
            exhibition.take(kind, data)
        if kind == ORDERED and data.get("recording_id") == recording_id:
            running, since = True, started_at
        elif kind == STOPPED and data.get("recording_id") == recording_id:
            break
        elif kind == BEGIN or kind in END:
            paused = kind == BEGIN
        up = exhibition.page
        if up is not None and running and not paused:
            found.setdefault((up.material_id, up.number), _shown(up, since))
    return sorted(found.values(), key=lambda shown: shown.path)


def _shown(page: UpPage, since: datetime) -> ShownPage:
    return ShownPage(page.material_id, page.name, page.number, page.sha256, since)


def entry_of(shown: ShownPage, size: int, digests: Mapping[str, str], missing: str | None) -> dict[str, Any]:
    """A page as the manifest lists it. ``missing``: why there is no picture; ``digests`` are of nothing."""
    entry: dict[str, Any] = {
        "material_id": shown.material_id,
        "name": shown.name,
        "page": shown.page,
        "path": shown.path,
        "media_type": MEDIA_TYPES["jpg"],
        "size": size,
        "sha256": digests["sha256"],
        "sm3": digests["sm3"],
        "first_shown_at": moment_text(shown.first_shown_at),
    }
    return entry if missing is None else {**entry, "missing": missing}


def listed_exhibits(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a manifest; one of an earlier version has none. TypeError for no list of records."""
    listed = manifest.get("exhibits", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise TypeError("exhibits is no list of records")
    return listed


def kept_exhibits(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries whose picture lies in the folder."""
    return [entry for entry in listed_exhibits(manifest) if "missing" not in entry]


def is_exhibit(entry: Mapping[str, Any]) -> bool:
    """Does the path lead to where this page of this material lies, nowhere else, and to such a picture?"""
    found = EXHIBIT_PATH.fullmatch(str(entry.get("path")))
    if found is None or type(entry.get("page")) is not int:
        return False
    return (found[1], int(found[2]), MEDIA_TYPES[found[3]]) == (
        entry.get("material_id"), entry.get("page"), entry.get("media_type"),
    )  # fmt: skip
