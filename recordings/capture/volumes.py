"""Volumes: the disks a worker may write to, the preferred one first, and which of them failed lately."""

from __future__ import annotations

import threading
import time

# A volume that failed is tried again after so long, when the next segment begins. Seconds.
AGAIN_SECONDS = 60.0


class Volumes:
    """Shared by all recordings of a worker; volume 0 is the first choice, 1 the spill volume if there is one.

    Called by writer threads and the watchdog. Nothing here touches a disk.
    """

    def __init__(self, count: int = 1, again_seconds: float = AGAIN_SECONDS) -> None:
        self.count = count
        self._again_seconds = again_seconds
        self._failed_at: dict[int, float] = {}
        self._stuck: dict[int, threading.Thread] = {}

    def note_failure(self, volume: int) -> None:
        """A call to this volume failed just now."""
        self._failed_at[volume] = time.monotonic()

    def note_stuck(self, volume: int, thread: threading.Thread) -> None:
        """``thread`` does not come back from a call to this volume."""
        self.note_failure(volume)
        self._stuck[volume] = thread

    def answers(self, volume: int) -> bool:
        """False while a thread is stuck in a call to it: another one would be stuck as well."""
        thread = self._stuck.get(volume)
        return thread is None or not thread.is_alive()

    def best(self) -> int:
        """Where to begin a segment now: the first that is fit, else the one that failed longest ago."""
        fit = [volume for volume in range(self.count) if self._is_fit(volume)]
        if fit:
            return fit[0]
        answering = [volume for volume in range(self.count) if self.answers(volume)] or [0]
        return min(answering, key=lambda volume: self._failed_at.get(volume, 0.0))

    def has_other(self, volume: int) -> bool:
        """Is there a fit volume besides this one?"""
        return any(other != volume and self._is_fit(other) for other in range(self.count))

    def _is_fit(self, volume: int) -> bool:
        failed_at = self._failed_at.get(volume)
        rested = failed_at is None or time.monotonic() - failed_at >= self._again_seconds
        return rested and self.answers(volume)
