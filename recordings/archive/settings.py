"""What the archiver is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from recordings.archive.objects import PART
from recordings.archive.retention import DEFAULT_CLASSES, RetentionClass, read_classes
from recordings.archive.store import ArchiveStore


@dataclass(frozen=True)
class ArchiverSettings:
    """``root`` holds the recording folders, ``key_file`` the key that wraps the sessions' keys.

    ``store`` None: nothing is copied. ``object_seconds``: longest for one object there and back.
    Archived pages are read again within ``verify_period``, as the files here are.
    ``local_days``: how long an original stays on this machine after it was archived; 0 is for ever.
    """

    root: Path
    key_file: Path
    store: ArchiveStore | None
    retention: str = "permanent"
    classes: Mapping[str, RetentionClass] = field(default_factory=lambda: read_classes(DEFAULT_CLASSES))
    local_days: int = 0
    poll_seconds: float = 5.0
    object_seconds: float = 300.0
    part: int = PART
    verify_period: timedelta = timedelta(days=90)
