"""The picture of a page that was shown: as it was sealed, and before that as the session's papers hold it."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Conflict, NotFound
from cases.policy import Actor
from recordings.evidence.manifest_shape import ManifestUnusable, read_manifest
from recordings.recording import Recording
from recordings.review.replay import open_originals
from scheduling.materials.material import Material
from scheduling.materials.reading import page_file
from scheduling.materials.store import MaterialStore
from scheduling.session_events import events_of_kinds

FOLDER = "exhibits"
PATH = re.compile(r"exhibits/([0-9a-z]{1,64})/page-0*([1-9][0-9]{0,5})\.(?:jpg|jpeg|png|webp)")
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
FORMATS = ("JPEG", "PNG", "WEBP")
UP = ("material.shown", "material.turned")
LARGEST = 64 << 20  # bytes of one page
SMALL = (320, 320)  # pixels of the picture in a list
SMALL_QUALITY = 70
DAMAGED = "这一页材料的文件与封存时不一致，不能显示。请联系档案员校验这份录像。"
GONE = "这一页材料没有随录像保存下来。"


@dataclass(frozen=True)
class ExhibitPicture:
    """``sha256`` (hex) is over ``content``."""

    content: bytes
    media_type: str
    sha256: str


async def open_exhibit(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    address: str | None,
    root: Path,
    store: MaterialStore,
    material_id: str,
    page: int,
) -> ExhibitPicture:
    """A page that was up during the recording; for whom, when and how it is logged is as for the tracks.

    Raises NotFound, Forbidden, and Conflict ``original_aged_out``, ``exhibit_damaged`` and what the store of
    materials raises.
    """
    recording, folder = await open_originals(db, clock, actor, recording_id, address, root)
    sealed = await asyncio.to_thread(_sealed, recording, folder)
    if sealed is not None:
        return await asyncio.to_thread(_read_sealed, folder, sealed, material_id, page)
    wanted = await _shown_digest(db, recording.session_id, material_id, page)
    material = await db.get(Material, material_id)
    if material is None or material.session_id != recording.session_id:
        raise NotFound("no_such_exhibit", GONE)
    content = await asyncio.to_thread(store.read, recording.session_id, material_id, page_file(page))
    digest = hashlib.sha256(content).hexdigest()
    if wanted is not None and wanted != digest:
        raise Conflict("exhibit_damaged", DAMAGED)
    return ExhibitPicture(content, "image/jpeg", digest)


def make_small(picture: ExhibitPicture) -> ExhibitPicture:
    """As JPEG within SMALL, for lists; blocks. Raises Conflict ``exhibit_damaged``."""
    try:
        with Image.open(io.BytesIO(picture.content), formats=FORMATS) as opened:
            opened.draft("RGB", SMALL)
            opened.thumbnail(SMALL)
            out = io.BytesIO()
            opened.convert("RGB").save(out, "JPEG", quality=SMALL_QUALITY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Conflict("exhibit_damaged", DAMAGED) from error
    content = out.getvalue()
    return ExhibitPicture(content, "image/jpeg", hashlib.sha256(content).hexdigest())


def missing_pages(manifest: dict[str, Any]) -> dict[tuple[str, int], str]:
    """Pages whose picture could not be had when the recording was sealed, with the cause."""
    return {
        (entry["material_id"], entry["page"]): str(entry["missing"])
        for entry in _entries(manifest)
        if entry.get("missing")
    }


def page_paths(manifest: dict[str, Any]) -> dict[tuple[str, int], str]:
    """Where the pages lie in the folder of the recording, as far as they were sealed with it."""
    return {
        (entry["material_id"], entry["page"]): str(entry["path"])
        for entry in _entries(manifest)
        if not entry.get("missing") and _is_place(entry)
    }


def holds_exhibits(manifest: dict[str, Any]) -> bool:
    """Were the pages sealed with the recording? Those of earlier versions were not."""
    return isinstance(manifest.get("exhibits"), list)


def _sealed(recording: Recording, folder: Path) -> tuple[dict[str, Any], ...] | None:
    """What the manifest says of pages; None where they were not sealed (yet)."""
    if recording.manifest_sha256 is None:
        return None
    try:
        return _manifest_entries(folder, recording.manifest_sha256)
    except (OSError, ManifestUnusable) as error:
        raise Conflict("exhibit_damaged", DAMAGED) from error


@functools.lru_cache(maxsize=16)
def _manifest_entries(folder: Path, manifest_sha256: str) -> tuple[dict[str, Any], ...] | None:
    """Read once for all pages of a recording. Raises OSError, ManifestUnusable."""
    manifest = read_manifest(folder)
    return tuple(_entries(manifest)) if holds_exhibits(manifest) else None


def _entries(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    listed = manifest.get("exhibits")
    return [
        entry
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, dict)
        and isinstance(entry.get("material_id"), str)
        and isinstance(entry.get("page"), int)
    ]


def _read_sealed(
    folder: Path, entries: tuple[dict[str, Any], ...], material_id: str, page: int
) -> ExhibitPicture:
    """Only bytes that are what was sealed leave here."""
    entry = next((one for one in entries if (one["material_id"], one["page"]) == (material_id, page)), None)
    if entry is None or entry.get("missing"):
        raise NotFound("no_such_exhibit", GONE)
    if not _is_place(entry) or entry.get("media_type") not in MEDIA_TYPES:
        raise Conflict("exhibit_damaged", DAMAGED)
    try:
        content = _read_file(folder, entry["path"])
    except OSError as error:
        raise Conflict("exhibit_damaged", DAMAGED) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.get("sha256"):
        raise Conflict("exhibit_damaged", DAMAGED)
    return ExhibitPicture(content, str(entry["media_type"]), digest)


def _is_place(entry: dict[str, Any]) -> bool:
    found = PATH.fullmatch(str(entry.get("path")))
    return found is not None and found[1] == entry["material_id"]


def _read_file(folder: Path, name: str) -> bytes:
    """Raises OSError, also for what is no file of this folder."""
    path = folder / name
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise OSError(f"leads out of the recording: {name}")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            raise OSError(f"not a page: {name}")
        return file.read()


async def _shown_digest(db: AsyncSession, session_id: str, material_id: str, page: int) -> str | None:
    """SHA-256 of the page as it was last shown, where it was written down. Raises NotFound: never shown."""
    events = await events_of_kinds(db, session_id, UP)
    shown = [
        event.data
        for event in events
        if (event.data.get("material_id"), event.data.get("page")) == (material_id, page)
    ]
    if not shown:
        raise NotFound("no_such_exhibit", GONE)
    digest = shown[-1].get("page_sha256")
    return digest if isinstance(digest, str) else None
