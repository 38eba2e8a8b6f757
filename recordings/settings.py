"""What the recordings worker is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from recordings.film.plan import CompositionPlan
from recordings.watch.patrol import PERIOD
from recordings.watch.stamping import StampSettings
from scheduling.materials.store import MaterialStore


@dataclass(frozen=True)
class RecordingsSettings:
    """``root`` holds the recording folders, ``keys`` the signing key. Times in seconds.

    Every sealed recording is read again within ``verify_period``.
    ``spill`` is where the media workers went on when the disk of ``root`` could not take more.
    ``materials`` holds the pages that were shown; None: a recording that shows any lists them as missing.
    """

    root: Path
    keys: Path
    poll_seconds: float = 1.0
    verify_period: timedelta = PERIOD
    plan: CompositionPlan = field(default_factory=CompositionPlan)
    spill: Path | None = None
    materials: MaterialStore | None = None
    stamps: StampSettings | None = None  # None: no authority, no time stamps.
