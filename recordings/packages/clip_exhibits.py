"""Exhibits of a clip: the pages that its film shows, as the sealed manifest lists them, and their check.

A page goes along when it is up in a part of the clip that was recorded, no other: least data. Its entry is
that of the manifest, so that whoever has the original finds the same one there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recordings.evidence.clock_jumps import steady
from recordings.evidence.exhibit_check import check_exhibits
from recordings.evidence.exhibits import EXHIBITS, is_exhibit, kept_exhibits, listed_exhibits
from recordings.evidence.manifest import MANIFEST_FILE, moment_ns, sha256_hex
from recordings.evidence.pauses import Pause, deliberations_of, pauses_of
from recordings.evidence.veils import veils_of
from recordings.evidence.verdict import ExitCode, Finding, Verdict
from scheduling.materials.exhibition import READ, Exhibition, UpPage


def exhibits_between(manifest: dict[str, Any], since: float, until: float) -> list[dict[str, Any]]:
    """Entries of the pages that were up in [since, until) seconds of the recording, outside of its pauses.

    In the manifest's order, without the name that somebody gave a file who is screened at any time.
    Raises KeyError, TypeError, ValueError for what is no manifest.
    """
    calm = steady(manifest)
    start_ns = moment_ns(calm["recording"]["started_at"])
    off = [
        *pauses_of(calm, start_ns, until),
        *deliberations_of(calm, start_ns, until),
    ]
    seen, nameless = set(), set()
    screened = veils_of(calm, start_ns, until)
    for page, begin, end in _spans(calm, start_ns, until):
        if page.by in screened:
            nameless.add(page.material_id)
        if _reaches(max(begin, since), min(end, until), off):
            seen.add((page.material_id, page.number))
    # An entry that leads elsewhere than its page lies is not followed.
    return [
        _nameless(entry) if entry["material_id"] in nameless else entry
        for entry in listed_exhibits(manifest)
        if (entry.get("material_id"), entry.get("page")) in seen and is_exhibit(entry)
    ]


def _nameless(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "name"}


def _spans(manifest: dict[str, Any], start_ns: int, until: float) -> Iterator[tuple[UpPage, float, float]]:
    """Each page, and from which second to which it was up."""
    exhibition, began = Exhibition(), 0.0
    events = [event for event in manifest.get("session_events", ()) if event["kind"] in READ]
    for event in sorted(events, key=lambda event: event["sequence"]):
        at = (moment_ns(event["at"]) - start_ns) / 1e9
        if exhibition.page is not None:
            yield exhibition.page, began, at
        exhibition.take(event["kind"], event.get("data") or {}, event.get("participant_id") or "")
        began = at
    if exhibition.page is not None:
        yield exhibition.page, began, until


def _reaches(since: float, until: float, off: list[Pause]) -> bool:
    """Does a moment of it lie outside of these spans?"""
    for begin, end in sorted(off):
        if begin <= since:
            since = max(since, end)
    return since < until


def clip_files(folder: Path, entries: list[dict[str, Any]]) -> list[tuple[str, Path]]:
    """Path in the clip and place of each page that lies in the recording's folder.

    One that is gone since it was sealed is still listed: whoever verifies the clip finds it missing.
    """
    listed = [(entry["path"], folder / entry["path"]) for entry in entries if "missing" not in entry]
    return [(name, path) for name, path in listed if path.is_file() and not path.is_symlink()]


def check_clip_exhibits(root: Path, proof: dict[str, Any], statement: str) -> list[Finding]:
    """Is each page there as the proof says, and none other? ``statement``: the proof's file name.

    A clip of an early version tells of none. Raises KeyError, TypeError for what is no proof.
    """
    verdict = Verdict(root)
    check_exhibits(verdict, proof, statement)
    listed = {entry["path"] for entry in kept_exhibits(proof)}
    for path in sorted((root / EXHIBITS).rglob("*")):
        name = path.relative_to(root).as_posix()
        if name not in listed and (path.is_symlink() or not path.is_dir()):
            zh = f"片段的证明里没有材料 {name}。"
            en = f"The proof of the clip does not list the page {name}."
            verdict.findings.append(Finding("clip_exhibit_added", name, zh, en))
    return verdict.findings


def foreign_exhibits(proof: dict[str, Any], original: Path) -> list[Finding]:
    """The pages that the manifest of the original does not list like this; all, if it is another one."""
    entries = listed_exhibits(proof)
    if not entries:
        return []
    try:
        data = (original / MANIFEST_FILE).read_bytes()
        sealed = listed_exhibits(json.loads(data)) if sha256_hex(data) == proof["manifest_sha256"] else []
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        sealed = []
    found = []
    for entry in entries:
        if entry not in sealed and entry not in map(_nameless, sealed):
            zh = f"片段中的材料 {entry['path']} 不在原录像的封存清单里。"
            en = f"The page {entry['path']} of the clip is not in the manifest of the original."
            found.append(Finding("clip_exhibit_foreign", entry["path"], zh, en, ExitCode.NOT_AS_SEALED))
    return found
