"""Forcer: a thread that brings to the disk what the writer has written, so that no write waits for it.

Once a second, and at once for a track of which nothing lies on the disk yet, it takes all tracks that were
written to since: first the disk begins with every one of them, then each is waited for. So many files cost
few commits of the file system's journal, where one after the other each costs its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Protocol

from recordings.capture.priority import yield_to_others

logger = logging.getLogger(__name__)

# A machine that loses its power loses what came in so long, at most, and what waits for a slow disk.
FORCE_SECONDS = 1.0
# Tracks that may wait. One more is not confirmed and asks again in its next turn; writing goes on.
CEILING = 4_096


class Forced(Protocol):
    """A track as the forcer sees it."""

    @property
    def bytes_on_disk(self) -> int:
        """What was forced already."""

    def ask(self, now: float) -> bool:
        """Whether there is something to force that nobody was asked for yet."""

    def take_back(self) -> None:
        """It could not be taken."""

    def start_writing(self) -> None:
        """Let the disk begin."""

    def force(self) -> None:
        """Come back when it is on the disk, or cannot be."""


class Forcer:
    """Owned: the queue and the thread, which ends after `stop` when its last call came back."""

    def __init__(self, ceiling: int = CEILING) -> None:
        self._ceiling = ceiling
        self._queue: deque[Forced] = deque()
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal forcer", daemon=True)

    def start(self) -> None:
        """Begin the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it; who closes a file forces it himself."""
        self._stopping = True
        self._wanted.set()

    def ask(self, track: Forced, now: float) -> None:
        """Force what was written of this track by `now`, monotonic seconds. Called by the writer thread."""
        if not track.ask(now):
            return
        if len(self._queue) >= self._ceiling:
            track.take_back()
            return
        self._queue.append(track)
        if not track.bytes_on_disk:
            self._wanted.set()

    def _run(self) -> None:
        yield_to_others()
        due = time.monotonic() + FORCE_SECONDS
        while not self._stopping:
            self._wanted.wait(max(0.0, due - time.monotonic()))
            self._wanted.clear()
            due = time.monotonic() + FORCE_SECONDS
            try:
                self._force_all()
            except Exception:  # noqa: BLE001
                # The others must not be kept from the disk by one; what is not confirmed shows.
                logger.exception("A track could not be forced")

    def _force_all(self) -> None:
        tracks = [self._queue.popleft() for _ in range(len(self._queue))]
        for track in tracks:
            track.start_writing()
        for track in tracks:
            if self._stopping:
                return
            track.force()
