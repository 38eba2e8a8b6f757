"""A disk that is as full as a test wants: no result hangs on what else lies on the machine's."""

from __future__ import annotations

from pathlib import Path

from recordings.space import Space


class Disk:
    """`share` is the free part, 0 to 1."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def measure(self, folder: Path) -> Space:
        """As recordings.space.SpaceGauge."""
        return Space(round(self.share * 10**12), 10**12)


AMPLE = Disk()
