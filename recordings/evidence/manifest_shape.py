"""Manifest shape: is a manifest one that can be read, before anything is made from it?

A folder may come from anywhere, and a signature proves who signed, not that it makes sense. What composing
and replay rely on is looked at here once, so that they need not doubt every key.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from recordings.evidence.manifest import MANIFEST_FILE, moment_ns

SEGMENT_PATH = re.compile(r"tracks/[A-Za-z0-9_]{1,64}-[A-Za-z0-9_]{1,64}/[0-9]{6,9}\.lxj")
CEILING = 256 << 20  # bytes; a day of sixteen parties has not a tenth of it


class ManifestUnusable(ValueError):
    """The manifest is none or lies about its own shape; the text says where."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder. Raises ManifestUnusable, OSError."""
    path = folder / MANIFEST_FILE
    if path.stat().st_size > CEILING:
        raise ManifestUnusable("清单过大，不能读取。")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ManifestUnusable("清单不是 JSON，不能读取。") from error
    return check_shape(found)


def check_shape(manifest: Any) -> dict[str, Any]:
    """The manifest itself. Raises ManifestUnusable at the first place that is not as it has to be."""
    top = _record(manifest, "清单")
    recording = _record(top.get("recording"), "recording")
    for name in ("started_at", "stopped_at"):
        _moment(recording.get(name), f"recording.{name}")
    for number, person in enumerate(_list(top.get("participants"), "participants")):
        where = f"participants[{number}]"
        _text(_record(person, where).get("participant_id"), f"{where}.participant_id")
        for name in ("role", "name", "tier", "organisation"):
            _text(person.get(name) or "", f"{where}.{name}")
    for number, track in enumerate(_list(top.get("tracks"), "tracks")):
        _track(_record(track, f"tracks[{number}]"), f"tracks[{number}]")
    for number, entry in enumerate(_list(top.get("exhibits", []), "exhibits")):
        _record(entry, f"exhibits[{number}]")  # A page that is none is a card, and no reason for no film.
    for number, event in enumerate(_list(top.get("session_events", []), "session_events")):
        where = f"session_events[{number}]"
        _number(_record(event, where).get("sequence"), f"{where}.sequence")
        _text(event.get("kind"), f"{where}.kind")
        _moment(event.get("at"), f"{where}.at")
        _record(event.get("data") or {}, f"{where}.data")
        _number(event.get("monotonic_ms") or 0, f"{where}.monotonic_ms")
    return top


def _track(track: dict[str, Any], where: str) -> None:
    for name in ("participant_id", "source", "codec"):
        _text(track.get(name), f"{where}.{name}")
    _number(track.get("clock_rate"), f"{where}.clock_rate")
    for number, gap in enumerate(_list(track.get("gaps", []), f"{where}.gaps")):
        _record(gap, f"{where}.gaps[{number}]")
    for number, entry in enumerate(_list(track.get("segments"), f"{where}.segments")):
        here = f"{where}.segments[{number}]"
        path = _record(entry, here).get("path")
        if not isinstance(path, str) or not SEGMENT_PATH.fullmatch(path):
            raise _flaw(f"{here}.path")
        _number(entry.get("packets"), f"{here}.packets")
        for name in ("first_at", "last_at"):
            if entry.get(name) is not None or entry.get("packets"):
                _moment(entry.get(name), f"{here}.{name}")


def _flaw(where: str) -> ManifestUnusable:
    return ManifestUnusable(f"清单的内容不合规范：{where}。")


def _record(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _flaw(where)
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _flaw(where)
    return value


def _text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise _flaw(where)


def _number(value: Any, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _flaw(where)


def _moment(value: Any, where: str) -> None:
    try:
        if not isinstance(value, str) or not value.endswith("Z"):
            raise ValueError(value)
        moment_ns(value)
    except (ValueError, OverflowError) as error:
        raise _flaw(where) from error
