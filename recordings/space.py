"""Space: whether the disk has room for another recording; a small port, so that a test can fill the disk."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Below this no recording begins: the ones that run need the rest (norm T03).
LEAST_SHARE = 0.10
LEAST_FREE = 1 << 30  # bytes; a tenth of a small disk is not enough for an hour
WARNING = 1.5  # times the least share: time to make room


@dataclass(frozen=True)
class Space:
    """Bytes of the disk that holds a folder, and the part of it that must be free, 0 to 1."""

    free: int
    total: int
    least_share: float = LEAST_SHARE

    @property
    def share(self) -> float:
        """Free part, 0 to 1."""
        return self.free / self.total if self.total else 0.0

    @property
    def enough(self) -> bool:
        """May a recording begin?"""
        return self.share >= self.least_share and self.free >= LEAST_FREE

    @property
    def ample(self) -> bool:
        """Is there nothing to warn of?"""
        return self.enough and self.share >= self.least_share * WARNING


class SpaceGauge(Protocol):
    """Measures the disk under a folder; may block."""

    def measure(self, folder: Path) -> Space:
        """Space now. The folder, or one of its parents, exists."""


class DiskGauge:
    """The real disk. Given: the part of it below which no recording begins, 0 to 1."""

    def __init__(self, least_share: float = LEAST_SHARE) -> None:
        self.least_share = least_share

    def measure(self, folder: Path) -> Space:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        usage = shutil.disk_usage(there)
        return Space(usage.free, usage.total, self.least_share)


async def require_space(gauge: SpaceGauge, folder: Path) -> None:
    """Raise Conflict ``disk_low`` when no recording may begin."""
    # Here, for a media process reads the settings, which measure the disk, and knows no rule.
    from cases.errors import Conflict

    space = await asyncio.to_thread(gauge.measure, folder)
    if not space.enough:
        free = f"只剩 {space.free / 1e9:.1f} GB（{space.share:.0%}）"
        raise Conflict(
            "disk_low", f"服务器磁盘{free}，不能开始需要录音录像的接访。请管理员清理磁盘后再开始。"
        )
