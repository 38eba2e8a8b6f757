"""Keeping exhibits: the pictures of the pages that were shown are copied into the recording's folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cases.errors import RuleError
from recordings.alarms import AlarmKind, Trouble
from recordings.capture.journal import sync_directory
from recordings.evidence.digests import whole_digests
from recordings.evidence.exhibits import EXHIBITS, ShownPage, entry_of
from recordings.recording import Recording
from scheduling.materials.reading import page_file
from scheduling.materials.store import MaterialStore

# Why a picture could not be had, by the code of the store's refusal.
CAUSES = {
    "material_not_found": "not_found",
    "material_damaged": "damaged",
    "material_key_missing": "key_missing",
    "material_unreadable": "unreadable",
}
CAUSE_WORDS = {
    "not_found": "材料库里没有这一页",
    "damaged": "材料库里的文件已损坏",
    "key_missing": "材料的密钥不见了",
    "unreadable": "材料库读不出来",
    "empty": "文件是空的",
    "changed": "材料库里的已不是出示时的那一页",
}
NAMED = 20  # pages of one alarm; the rest is a number


class PageMissing(Exception):
    """The picture cannot be had; the text is the cause."""


def keep_exhibits(
    folder: Path, store: MaterialStore | None, session_id: str, pages: Iterable[ShownPage]
) -> list[dict[str, Any]]:
    """Copy the pages, one at a time in memory, and return their entries of the manifest; blocks.

    What an attempt before left goes first, so that nothing lies there that is not listed. Raises OSError when
    the folder does not take them; a page that cannot be had is listed as missing.
    """
    shutil.rmtree(folder / EXHIBITS, ignore_errors=True)
    entries = []
    for shown in pages:
        try:
            picture = _picture(store, session_id, shown)
        except PageMissing as error:
            entries.append(entry_of(shown, 0, whole_digests(b""), str(error)))
            continue
        _write(folder / shown.path, picture)
        entries.append(entry_of(shown, len(picture), whole_digests(picture), None))
    for written in {(folder / entry["path"]).parent for entry in entries if "missing" not in entry}:
        sync_directory(written)
        sync_directory(written.parent)
    return entries


def _write(path: Path, picture: bytes) -> None:
    """A new file, on the disk but for its name. Half of one does no harm: no manifest lists it yet."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(picture)
        file.flush()
        os.fsync(file.fileno())


def _picture(store: MaterialStore | None, session_id: str, shown: ShownPage) -> bytes:
    """The picture as it was shown. Raises PageMissing."""
    if store is None:
        raise PageMissing("not_found")
    try:
        picture = store.read(session_id, shown.material_id, page_file(shown.page))
    except RuleError as error:
        raise PageMissing(CAUSES.get(error.code, "unreadable")) from error
    if not picture:
        raise PageMissing("empty")
    if shown.page_sha256 not in (None, hashlib.sha256(picture).hexdigest()):
        raise PageMissing("changed")
    return picture


def trouble_of(recording: Recording, exhibits: Sequence[dict[str, Any]]) -> Trouble | None:
    """The alarm about pages without a picture; None when there is none."""
    missing = [entry for entry in exhibits if "missing" in entry]
    if not missing:
        return None
    told = tuple(
        {
            "text": f"出示过的材料《{entry['name']}》第 {entry['page']} 页没能封存："
            f"{CAUSE_WORDS[entry['missing']]}。",
            "path": entry["path"],
        }
        for entry in missing[:NAMED]
    )
    place = recording.directory
    return Trouble(AlarmKind.FILES_MISSING, place, told, len(missing), recording.session_id, recording.id)
