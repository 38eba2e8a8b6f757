"""Manifest: the canonical JSON statement of what a recording consists of.

Canonical form: UTF-8, keys sorted, no blanks between tokens, no floating-point numbers (a subset
of RFC 8785), so that equal content is equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recordings.capture.journal import sync_directory

MANIFEST_FORMAT = "lianxin-manifest"
MANIFEST_VERSION = 1
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
CHAIN_START = "0" * 64


def canonical(content: dict[str, Any]) -> bytes:
    """Canonical bytes; TypeError for a float, which has no single spelling."""
    _refuse_floats(content)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a manifest holds no floating-point numbers")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def without_floats(value: Any) -> Any:
    """The same JSON value with every float as a string; session events are written by others."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {str(key): without_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_floats(item) for item in value]
    return value


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chain_next(previous: str, digest: str) -> str:
    """The running digest of all segments up to one: SHA-256 over both hex strings."""
    return sha256_hex((previous + digest).encode("ascii"))


def utc_text(wall_ns: int) -> str:
    """Nanoseconds since 1970 as RFC 3339 with microseconds and Z; out of range gives the first instant."""
    try:
        moment = datetime.fromtimestamp(wall_ns // 1_000_000_000, UTC)
    except (OverflowError, OSError, ValueError):
        moment, wall_ns = datetime.fromtimestamp(0, UTC), 0
    micro = wall_ns % 1_000_000_000 // 1_000
    return moment.replace(microsecond=micro).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_text(moment: datetime | None) -> str | None:
    """An aware datetime as RFC 3339 in UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_ns(text: str) -> int:
    """The reverse of ``utc_text``; ValueError for other texts."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def write_durably(path: Path, data: bytes) -> None:
    """Put a file there whole or not at all: temporary name, fsync, rename, fsync of the directory.

    What a process that was killed had begun goes: beside a sealed recording it would be a file too many.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    for begun in path.parent.glob(f".{path.name}.*"):
        if begun.suffix[1:].isdigit():
            begun.unlink(missing_ok=True)
    sync_directory(path.parent)
